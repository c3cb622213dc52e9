"""The command line: from words to a verb, and from what it ends in to an exit code.

Exit codes: 0 done, 1 verification or check failed, 2 wrong request, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper

from ticketry.cli.verbs import VERBS, complain, first_line
from ticketry.core.errors import RequestError, TicketryError, unknown
from ticketry.core.version import VERSION


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code."""
    args = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal that lacks a letter gets its code, not a traceback
            stream.reconfigure(errors="backslashreplace")
    if args in ([], ["-h"], ["--help"]):
        print("ticketry finds, checks, compares and ships lottery tickets.\n\nverbs:")
        print(*(f"  {name:10}{first_line(verb)}" for name, verb in VERBS.items()), sep="\n")
        print("\nticketry VERB --help explains one verb; ticketry --version prints the version.")
        return 0 if args else 2
    if args == ["--version"]:
        print(f"ticketry {VERSION}")
        return 0
    try:
        if args[0] not in VERBS:
            raise unknown("verb", args[0], VERBS)
        return VERBS[args[0]](args[1:])
    except TicketryError as error:
        complain(error)
        return 2
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        complain(RequestError(f"{error.filename or 'output'}: {error.strerror}; make room or name another path."))
        return 2
    except KeyboardInterrupt:
        print("interrupted; everything up to the last checkpoint is safe: the same command goes on.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
