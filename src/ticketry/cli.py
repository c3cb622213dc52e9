"""The command line: one function a verb, no logic.

Exit codes: 0 done, 1 verification failed, 2 wrong request, 130 interrupted.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, make_dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import tyro

from ticketry import __version__
from ticketry.core.errors import RequestError, TicketError, TicketryError, unknown
from ticketry.core.meters import Budget
from ticketry.experiment import Lock, Search
from ticketry.methods import discover, get

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class FindRequest:
    """What to search in, and where to put the result."""

    data: str
    """moons, circles, blobs, digits, mnist, fashion-mnist, cifar10, a .npz, a directory, or package.module:function."""
    model: str
    """mlp:50,50, lenet-300-100, conv2, conv4, conv6, resnet20, resnet18, vgg16, or package.module:factory."""
    out: Path
    """Directory of the run; an unfinished run there is resumed."""
    seed: int = 0
    """Decides weights, locks, data order and every draw of the search."""
    val: float = 0.1
    """Fraction of the training data that validates, in (0, 1)."""
    device: str = "cpu"
    """cpu, cuda or cuda:N."""
    quiet: bool = False
    """No progress bar, no summary."""
    budget: Budget = field(default_factory=Budget)
    lock: Lock = field(default_factory=Lock)
    search: Search = field(default_factory=Search)


@dataclass(frozen=True, kw_only=True)
class ShowRequest:
    """What is inside a ticket file, and its size against the entropy bound."""

    file: tyro.conf.Positional[Path]
    json: bool = False
    """Print JSON instead of tables."""


@dataclass(frozen=True, kw_only=True)
class VerifyRequest:
    """Regenerate weights and mask and compare their digests; exit code 1 when anything differs."""

    file: tyro.conf.Positional[Path]
    digest: bool = False
    """Only the digests, without building the model: needs no torch."""


@dataclass(frozen=True, kw_only=True)
class EvalRequest:
    """Accuracy and loss of the network in a ticket file."""

    file: tyro.conf.Positional[Path]
    data: str
    """The data set, as for `find`."""
    split: Literal["test", "train", "all"] = "test"
    """Which examples: the test split, all training examples (validation included), or both."""
    device: str = "cpu"
    """cpu, cuda or cuda:N."""
    json: bool = False
    """Print JSON instead of a sentence."""


def _parse(shape: type[T], args: Sequence[str], prog: str) -> T:
    return tyro.cli(shape, args=args, prog=f"ticketry {prog}", config=(tyro.conf.FlagCreatePairsOff,))


def find(args: Sequence[str]) -> int:
    """Search a ticket: ticketry find METHOD --data D --model M --out DIR [method flags]."""
    if not args or args[0].startswith("-"):
        lines = [f"  {name:14}{_first_line(method)}" for name, method in discover().items()]
        print("usage: ticketry find METHOD --data D --model M --out DIR [flags]\n\nmethods:", *lines, sep="\n")
        print("\nticketry find METHOD --help lists the flags of one method.")
        if args and args[0] in ("-h", "--help"):
            return 0
        raise RequestError("find needs a method as its first word; choose one of those listed above.")
    method = get(args[0])
    shape = make_dataclass(
        "Find",
        [
            ("method", Annotated[method, tyro.conf.arg(name="")]),
            ("request", Annotated[FindRequest, tyro.conf.arg(name="")]),
        ],
    )
    lasts = " and ".join(f"{limit} {name}" for name, limit in vars(method.budget).items() if limit is not None)
    shape.__doc__ = f"{_first_line(method)} Lasts {lasts} where the budget flags say nothing."
    parsed: Any = _parse(shape, args[1:], f"find {args[0]}")
    request: FindRequest = parsed.request
    from ticketry.report import text
    from ticketry.run import find as run

    done = run(parsed.method, **{name: getattr(request, name) for name in vars(request)})
    if not request.quiet:
        text.print_result(done.directory, done.result)
    return 0


def show(args: Sequence[str]) -> int:
    """What is inside a ticket file."""
    request = _parse(ShowRequest, args, "show")
    from ticketry.report import text
    from ticketry.ticket import file

    summary = file.inspect(request.file)
    if request.json:
        print(json.dumps(asdict(summary), indent=2))
    else:
        text.print_ticket(request.file, summary)
    return 0


def verify(args: Sequence[str]) -> int:
    """Regenerate and compare digests."""
    request = _parse(VerifyRequest, args, "verify")
    from ticketry.report import text
    from ticketry.ticket import file

    try:
        ticket = file.load(request.file)
        checks = file.verify(ticket)
        sound = all(check.ok for check in checks)
        builds = sound and not request.digest
        if builds:
            from ticketry.ticket.module import Ticket

            Ticket(ticket).module()
    except TicketError as error:
        _complain(error)
        return 1
    text.print_checks(request.file, checks, model=builds)
    return 0 if sound else 1


def evaluate(args: Sequence[str]) -> int:
    """Accuracy and loss of the network in a ticket file."""
    request = _parse(EvalRequest, args, "eval")
    from ticketry.ticket.evaluate import evaluate as score
    from ticketry.ticket.module import Ticket

    result = score(Ticket.load(request.file), request.data, request.split, request.device)
    if request.json:
        print(json.dumps(result, indent=2))
    else:
        other = "" if result["same_data"] else "; these are not the data that the ticket was found on"
        examples = {"all": "", "test": " test", "train": " training"}[request.split]
        print(
            f"{request.file} on {result['examples']}{examples} examples of {request.data}:"
            f" accuracy {result['accuracy']:.4f}, loss {result['loss']:.4f}{other}"
        )
    return 0


VERBS: dict[str, Callable[[Sequence[str]], int]] = {"find": find, "show": show, "verify": verify, "eval": evaluate}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code."""
    args = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal that lacks a letter gets its code, not a traceback
            stream.reconfigure(errors="backslashreplace")
    if args in ([], ["-h"], ["--help"]):
        print("ticketry finds, checks, compares and ships lottery tickets.\n\nverbs:")
        print(*(f"  {name:10}{_first_line(verb)}" for name, verb in VERBS.items()), sep="\n")
        print("\nticketry VERB --help explains one verb; ticketry --version prints the version.")
        return 0 if args else 2
    if args == ["--version"]:
        print(f"ticketry {__version__}")
        return 0
    try:
        if args[0] not in VERBS:
            raise unknown("verb", args[0], VERBS)
        return VERBS[args[0]](args[1:])
    except TicketryError as error:
        _complain(error)
        return 2
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        _complain(RequestError(f"{error.filename or 'output'}: {error.strerror}; make room or name another path."))
        return 2
    except KeyboardInterrupt:
        print("interrupted; everything up to the last checkpoint is safe: the same command goes on.", file=sys.stderr)
        return 130


def _complain(error: TicketryError) -> None:
    print(f"ticketry: {error}", file=sys.stderr)


def _first_line(thing: object) -> str:
    return (thing.__doc__ or "").strip().splitlines()[0]


if __name__ == "__main__":
    sys.exit(main())
