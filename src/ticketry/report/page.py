"""The report of a run: one HTML page that needs nothing beside itself."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from ticketry import objectives
from ticketry.core.objective import Measure
from ticketry.methods import get
from ticketry.paths import RunDirectory
from ticketry.report import landscape, verdicts
from ticketry.report.coverage import searched
from ticketry.report.figures import curves, front, layer_bars
from ticketry.report.html import render
from ticketry.report.mask_image import first_layer
from ticketry.report.numerals import count, decimal, duration, percent, quality, times
from ticketry.report.reproduce import command, python
from ticketry.report.text import (
    FLOAT,
    Result,
    cost_rows,
    headline,
    layer_columns,
    note_rows,
    part_rows,
    ratio,
    result_rows,
)
from ticketry.ticket import file
from ticketry.ticket.summary import Summary


def page(directory: RunDirectory, result: Result) -> str:
    """The page of a run directory with `experiment.json`, `ticket.tkt` and, where any, `log.jsonl`, `landscape.json`.

    `result`: what `result.json` holds or will hold.
    """
    again = f"{directory.root.resolve().name}-again"  # a second run must not be in the directory of the first
    record = json.loads(directory.record.read_text())
    log = _log(directory, f"val_{objectives.measure(result).name}")
    encoded = file.read(directory.ticket)
    summary, ticket = file.summary(encoded), file.decode(encoded)
    layers, first = summary.layers, summary.layers[0]
    around = landscape.read(directory, result)
    measure = objectives.measure(result)
    tried = verdicts.read(directory, result)
    html = render(
        "page.html",
        {
            "measure": measure,
            "result": result,
            "headline": headline(result),
            "explanation": _explanation(result),
            "tiles": _tiles(result),
            "curves": Markup(curves(log, objectives.measure(result), result["chosen_step"])),
            "choice": _choice(log, result),
            "kept": f"{percent(result['density'])} of them, {count(result['kept'])} of {count(result['maskable'])}",
            "searched": searched(result),
            "locks": _locks(summary),
            "bars": Markup(layer_bars(*zip(*((la.name, la.kept, la.size) for la in layers), strict=True))),
            "first": Markup(first_layer(ticket.mask[: first.size], first.shape, summary.input_shape)),
            "first_name": first.name,
            "layers": layer_columns(summary),
            "measured": "" if around is None else landscape.note(around),
            "landscape": []
            if around is None
            else [(Markup(svg), caption) for svg, caption in landscape.figures(around)],
            "front": _front(result),
            "front_head": (
                "ticket",
                "density",
                "bytes",
                *(f"validation {name}" for name in (measure.title, measure.loss)),
            ),
            "front_figure": Markup(front(result["front"], result, measure)) if result["front"] else "",
            "verdicts": None if tried is None else (verdicts.head(tried), verdicts.rows(tried), verdicts.legend(tried)),
            "sizes": _sizes(summary),
            "parts": part_rows(summary),
            "rows": result_rows(result),
            "cost": cost_rows(result),
            "notes": note_rows(result),
            "command": command(record, again),
            "python": python(record, again),
            "after": _after(directory, result, record.get("handed", ())),
            "digests": list(result["digest"].items()),
            "environment": _environment(record),
        },
    )
    return html.encode(errors="replace").decode()  # a path may hold bytes that are no text


def _log(directory: RunDirectory, reached: str) -> list[dict[str, Any]]:
    """The lines of the log; none where it is not as the search wrote it: it may have been cut short since."""
    try:
        lines = [json.loads(line) for line in directory.log.read_text().splitlines()]
        sound = all({"step", "val_loss", "train_loss", reached} <= set(line) for line in lines)
    except (OSError, ValueError, TypeError):
        return []
    return lines if sound else []


def _after(directory: RunDirectory, result: Result, handed: Sequence[str]) -> str:
    """What can be done with the file from text alone: not to judge data or build a model that were handed over."""
    path = str(directory.ticket)
    verbs = [["verify", path], ["show", path]]
    if not handed:
        verbs.append(["eval", path, "--data", result["data"]])
    return "\n".join(shlex.join(["ticketry", *words]) for words in verbs)


def _explanation(result: Result) -> str:
    words = (get(result["method"]).__doc__ or "").strip().splitlines()[0]
    drawn = f"Method {result['method']}: {words} The weights are those that seed {result['seed']} draws"
    if result["kind"] == "strong":
        return f"{drawn}; none was ever trained."
    return f"{drawn}. The ticket is meant to be trained: all that is measured on this page is from before training."


def _choice(log: list[dict[str, Any]], result: Result) -> str:
    chosen, measure = result["chosen_step"], objectives.measure(result)
    at = next((line for line in log if line["step"] == chosen), None)
    if get(result["method"]).answer == "last" and at is not None:
        return f"The ticket is the mask of the last step, with validation {_reached(measure, at)}."
    if at is None:
        return "The mask from before the first step is the ticket: no later one did better on the validation split."
    if len(log) == 1:
        return f"The search is one step; its mask has validation {_reached(measure, at)}."
    return "The circle marks the mask that the validation split chose."


def _reached(measure: Measure, line: Mapping[str, Any]) -> str:
    return f"{measure.title} {quality(measure, line[f'val_{measure.name}'], 2)}"


def _tiles(result: Result) -> list[tuple[str, str, str]]:
    measure, cost = objectives.measure(result), result["cost"]
    test, val, train = (quality(measure, result[measure.name][split]) for split in ("test", "val", "train"))
    trained = "" if result["kind"] == "strong" else ", untrained"
    spent = [(cost[f"{name}s"], name) for name in ("epoch", "evaluation", "step") if cost[f"{name}s"]]
    effort = "".join(f"{count(n)} {name}{'' if n == 1 else 's'}" for n, name in spent[:1])
    others = f"validation {val}, train {train}"
    factor = f"the weights as float32 need {ratio(result)} times as many"
    return [
        (f"test {measure.title}{trained}", test, others),
        (
            "density",
            percent(result["density"]),
            f"{count(result['kept'])} of {count(result['maskable'])} {searched(result)}weights",
        ),
        ("bytes in the file", count(result["ticket_bytes"]), factor),
        ("time of the search", duration(cost["seconds"]), effort),
    ]


def _locks(summary: Summary) -> str:
    off, on = (sum(getattr(layer, name) for layer in summary.layers) for name in ("locked_off", "locked_on"))
    if not off + on:
        return ""
    shares = f"{percent(off / summary.maskable)} of the weights were locked off and {percent(on / summary.maskable)} on"
    return (
        f"Before the search {shares}, in a random pattern that the seed brings back, so that the file need not hold it."
    )


def _front(result: Result) -> list[tuple[str, ...]]:
    return [
        (
            line["file"],
            percent(line["density"]),
            count(line["ticket_bytes"]),
            quality(objectives.measure(result), line[f"val_{objectives.measure(result).name}"], 2),
            decimal(line["val_loss"]),
        )
        for line in result["front"]
    ]


def _sizes(summary: Summary) -> list[tuple[str, str, str]]:
    """The file beside what it could be."""
    total, n = summary.bytes["total"], summary.maskable
    rows = [
        ("entropy bound of the mask", math.ceil(summary.entropy_bytes)),
        ("mask at one bit a weight", math.ceil(n / 8)),
        (f"all {'searched ' * bool(summary.outside)}weights as float32", FLOAT * n),
        ("this ticket", total),
    ]
    return [(name, count(size), times(size / total)) for name, size in rows]


def _environment(record: Mapping[str, Any]) -> str:
    used = record.get("environment", {})
    return "Made with " + ", ".join(f"{name} {value}" for name, value in used.items()) + "."
