"""What each verb of the command line does: one function a verb, no logic."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import asdict, make_dataclass
from typing import Annotated, Any, TypeVar

import tyro

from ticketry import recipes
from ticketry.cli import flags
from ticketry.core.canonical import pretty
from ticketry.core.errors import RequestError, TicketError, TicketryError, shorten
from ticketry.methods import discover, get

BOX = 20_000  # characters of what the parser says, a word of the user's included
T = TypeVar("T")


def find(args: Sequence[str]) -> int:
    """Search a ticket: ticketry find METHOD --data D --model M --out DIR [method flags]."""
    if not args or args[0].startswith("-"):
        note = "Start with edge-popup for a ticket that works untrained, with gem-miner for one to train."
        return _listed(args, "find METHOD --data D --model M --out DIR", "methods", discover(), note)
    method = get(args[0])
    shape = make_dataclass(
        "Find",
        [
            ("method", Annotated[method, tyro.conf.arg(name="")]),
            ("request", Annotated[flags.Find, tyro.conf.arg(name="")]),
        ],
    )
    lasts = " and ".join(f"{limit} {name}" for name, limit in vars(method.budget).items() if limit is not None)
    shape.__doc__ = f"{first_line(method)} Lasts {lasts} where the budget flags say nothing."
    parsed: Any = _parse(shape, args[1:], f"find {args[0]}")
    request: flags.Find = parsed.request
    from ticketry.report import text
    from ticketry.runs.find import find as run

    done = run(parsed.method, **{name: getattr(request, name) for name in vars(request)})
    if not request.quiet:
        text.print_result(done.directory, done.result)
    return 0


def show(args: Sequence[str]) -> int:
    """What is inside a ticket file."""
    request = _parse(flags.Show, args, "show")
    from ticketry.report import text
    from ticketry.ticket import file

    summary = file.inspect(request.file, request.max_weights)
    if request.json:
        print(pretty(asdict(summary)))
    else:
        text.print_ticket(request.file, summary)
    return 0


def verify(args: Sequence[str]) -> int:
    """Regenerate and compare digests."""
    request = _parse(flags.Verify, args, "verify")
    from ticketry.report import text
    from ticketry.ticket.verified import verified

    try:
        found = verified(request.file, request.digest, request.model, request.trust, request.max_weights)
    except TicketError as error:
        complain(error)
        return 1
    if request.json:
        print(pretty({"file": str(request.file), **found.json}))
    else:
        text.print_checks(request.file, found.checks, "" if request.digest else found.said)
    return 0 if found.sound else 1


def evaluate(args: Sequence[str]) -> int:
    """Accuracy and loss of the network in a ticket file."""
    request = _parse(flags.Eval, args, "eval")
    from ticketry.report import evaluation
    from ticketry.ticket.evaluate import evaluate as score
    from ticketry.ticket.module import Ticket

    ticket = Ticket.load(request.file, max_weights=request.max_weights)
    result = score(ticket, request.data, request.split, request.device, request.model, request.trust)
    if request.json:
        print(pretty(result))
    else:
        print(evaluation.text(request.file, request.data, request.split, result))
    return 0


def predict(args: Sequence[str]) -> int:
    """What the network in a ticket file says of examples without labels."""
    request = _parse(flags.Predict, args, "predict")
    from ticketry.report import predictions

    print(predictions.predict(**vars(request)), end="")
    return 0


def train(args: Sequence[str]) -> int:
    """Train the network in a ticket file."""
    request = _parse(flags.Train, args, "train")
    from ticketry.report import text
    from ticketry.runs.train import train as run

    given = {name: value for name, value in vars(request).items() if name not in ("file", "json")}
    done = run(request.file, **given | {"quiet": request.quiet or request.json})
    if request.json:
        print(pretty(done.result))
    elif not request.quiet:
        print(text.trained(done.directory, done.result))
    return 0


def check(args: Sequence[str]) -> int:
    """Try a ticket against its controls: shuffled, redrawn, inverted and more."""
    request = _parse(flags.Check, args, "check")
    from ticketry.checks.court import check as trial
    from ticketry.report import verdicts

    given = {name: value for name, value in vars(request).items() if name not in ("ticket", "json")}
    outcome = trial(request.ticket, **given | {"quiet": request.quiet or request.json})
    if request.json:
        print(pretty(outcome))
    elif not request.quiet:
        verdicts.print_verdicts(outcome)
    return 1 if outcome["verdict"] in ("fail", "collapsed") else 0


def landscape(args: Sequence[str]) -> int:
    """Accuracy and loss of the masks around a ticket, with pictures."""
    request = _parse(flags.Landscape, args, "landscape")
    from ticketry import objectives
    from ticketry.analysis.landscape import landscape as measure
    from ticketry.paths import RunDirectory
    from ticketry.report import landscape as report

    given = {name: getattr(request, name) for name in ("data", "model", "trust", "device")}
    found = measure(request.run, request.settings, quiet=False, **given)
    if request.json:
        print(pretty(found))
    else:
        print(report.table(found))
        what = f"{objectives.measure(found).title} and loss {report.note(found)}"
        print(f"\n{what}; pictures in {RunDirectory(request.run).report}")
    return 0


def recipe(args: Sequence[str]) -> int:
    """Reproduce a published setting: ticketry recipe NAME --out DIR [--scale smoke|cpu|paper]."""
    if not args or args[0].startswith("-"):
        return _listed(args, "recipe NAME --out DIR", "recipes", recipes.discover())
    function = recipes.get(args[0])
    request = _parse(flags.Recipe, args[1:], f"recipe {args[0]}")
    _perform(function(request.scale), request)
    return 0


def compare(args: Sequence[str]) -> int:
    """Compare methods of your choice at equal training: table, page, JSON, CSV."""
    request = _parse(flags.Compare, args, "compare")
    from ticketry.recipes.compare import comparison

    names = ("data", "model", "seeds", "epochs", "training", "val", "standardise")
    plan = comparison(request.methods, request.densities, **{name: getattr(request, name) for name in names})
    _perform(plan, request)
    return 0


def _perform(plan: recipes.Recipe, request: flags.Recipe | flags.Compare) -> None:
    from ticketry.paths import RecipeDirectory
    from ticketry.recipes.perform import perform
    from ticketry.report import comparison
    from ticketry.runs.executor import local

    place, quiet = local(request.workers), request.quiet or request.json
    outcome = perform(plan.on(request.device), request.out, executor=place, quiet=quiet)
    if request.json:
        print(pretty(outcome))
    elif not request.quiet:
        comparison.print_comparison(outcome, str(RecipeDirectory(request.out).report))


def complain(error: TicketryError) -> None:
    """Its sentence, on standard error."""
    print(f"ticketry: {error}", file=sys.stderr)


def first_line(thing: object) -> str:
    """Of its documentation."""
    return (thing.__doc__ or "").strip().splitlines()[0]


def _parse(shape: type[T], args: Sequence[str], prog: str) -> T:
    """The request that the words make. A setting that refuses its value speaks for itself, not in the parser's box."""
    said = io.StringIO()
    try:
        with redirect_stderr(said):
            return tyro.cli(shape, args=args, prog=f"ticketry {prog}", config=(tyro.conf.FlagCreatePairsOff,))
    except SystemExit as stop:
        error: BaseException | None = stop
        while error is not None and not isinstance(error, RequestError):
            error = error.__cause__ or error.__context__
        if error is not None:
            raise error from None
        box = said.getvalue()
        sys.stderr.write(box if len(box) <= BOX else shorten(box, BOX) + "\n")
        raise


def _listed(args: Sequence[str], usage: str, title: str, things: Mapping[str, object], note: str = "") -> int:
    """List what the first word after a verb may be: 0 where that was asked for, RequestError where it is missing."""
    verb, word, *_ = usage.split()
    lines = [f"  {name:{2 + max(map(len, things))}}{first_line(thing)}" for name, thing in things.items()]
    print(f"usage: ticketry {usage} [flags]\n\n{title}:", *lines, "", *([note] if note else []), sep="\n")
    print(f"ticketry {verb} {word} --help lists its flags.")
    if args and args[0] in ("-h", "--help"):
        return 0
    raise RequestError(f"{verb} needs a {word.lower()} as its first word; choose one of those listed above.")


VERBS: dict[str, Callable[[Sequence[str]], int]] = {
    "find": find,
    "show": show,
    "verify": verify,
    "eval": evaluate,
    "predict": predict,
    "train": train,
    "check": check,
    "landscape": landscape,
    "recipe": recipe,
    "compare": compare,
}
