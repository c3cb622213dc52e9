"""`python -m ticketry` is the command line."""

import sys

from ticketry.cli.main import main

sys.exit(main())
