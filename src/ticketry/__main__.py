"""`python -m ticketry` is the command line."""

import sys

from ticketry.cli import main

sys.exit(main())
