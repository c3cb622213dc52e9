"""The report of a run: one HTML page that needs nothing beside itself."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from ticketry.experiment import Experiment
from ticketry.methods import get
from ticketry.paths import RunDirectory
from ticketry.report import figures
from ticketry.report.text import (
    FLOAT,
    Result,
    cost_rows,
    count,
    duration,
    headline,
    layer_columns,
    part_rows,
    percent,
    result_rows,
)
from ticketry.ticket import file
from ticketry.ticket.summary import Summary

NODES = {"budget": "Budget", "lock": "Lock", "search": "Search"}  # parts of an experiment and their Python names


def page(directory: RunDirectory, result: Result) -> str:
    """The page of a run directory that has `experiment.json`, `ticket.tkt` and, where steps were taken, `log.jsonl`.

    `result`: what `result.json` holds or will hold.
    """
    record = json.loads(directory.experiment.read_text())
    log = [json.loads(line) for line in directory.log.read_text().splitlines()] if directory.log.exists() else []
    encoded = file.read(directory.ticket)
    summary, ticket = file.summary(encoded), file.decode(encoded)
    layers, first = summary.layers, summary.layers[0]
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.globals["zip"] = zip
    template = environment.from_string(files(__package__).joinpath("page.html").read_text())
    return template.render(
        result=result,
        headline=headline(result),
        explanation=_explanation(result),
        tiles=_tiles(result),
        curves=Markup(figures.curves(log, result["chosen_step"])),
        no_curves=f"The log has {len(log)} step{'' if len(log) == 1 else 's'}: no curve to draw.",
        kept=f"{percent(result['density'])} of them, {count(result['kept'])} of {count(result['maskable'])}",
        locks=_locks(summary),
        bars=Markup(figures.layer_bars(*zip(*((la.name, la.kept, la.size) for la in layers), strict=True))),
        first=Markup(figures.first_layer(ticket.mask[: first.size], first.shape, summary.input_shape)),
        first_name=first.name,
        layers=layer_columns(summary),
        sizes=_sizes(summary),
        parts=part_rows(summary),
        rows=result_rows(result),
        cost=cost_rows(result),
        command=command(record, _again(directory)),
        python=python(record, _again(directory)),
        after=_after(directory, result),
        digests=list(result["digest"].items()),
        environment=_environment(record),
    )


def command(record: Mapping[str, Any], out: str) -> str:
    """The command line of an `experiment.json`, with the flags that are not at their defaults, into directory `out`."""
    name = record["method"]["name"]
    flags = [["--data", record["data"]], ["--model", record["model"]], ["--seed", str(record["seed"])]]
    for part, changed in _changed(record).items():
        for field, value in changed.items():
            flag = field if part in ("", "method") else f"{part}.{field}"
            flags.append(_flag(flag.replace("_", "-"), value))
    lines = [f"ticketry find {name}", *(shlex.join(flag) for flag in [*flags, ["--out", out]])]
    return " ".join(lines) if sum(map(len, lines)) < 90 else " \\\n    ".join(lines)


def python(record: Mapping[str, Any], out: str) -> str:
    """The same as a Python program."""
    changed = _changed(record)
    method = f"tk.methods.{get(record['method']['name']).__name__}({_arguments(changed.pop('method'))})"
    own = {"data": record["data"], "model": record["model"], "seed": record["seed"], **changed.pop("")}
    lines = [method, *(f"{name}={value!r}" for name, value in own.items())]
    lines += [f"{part}=tk.{NODES[part]}({_arguments(values)})" for part, values in changed.items() if values]
    inner = "".join(f"    {line},\n" for line in [*lines, f"out={out!r}"])
    return f"import ticketry as tk\n\nrun = tk.find(\n{inner})\nnet = run.ticket.module()"


def _changed(record: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Settings that are not at their defaults, by the part of the experiment they belong to; "" for its own fields."""
    method = get(record["method"]["name"])()
    default = Experiment(method=method, data="", model="").resolved
    parts = {part: record[part] for part in ("method", *NODES)} | {"": {f: record[f] for f in ("val", "device")}}
    return {
        part: {name: value for name, value in values.items() if value != (default[part] if part else default)[name]}
        for part, values in parts.items()
    }


def _flag(name: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [f"--{name}" if value else f"--no-{name}"]
    return [f"--{name}", *map(str, value if isinstance(value, list) else [value])]


def _arguments(values: Mapping[str, Any]) -> str:
    plain = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    return ", ".join(f"{name}={value!r}" for name, value in plain.items())


def _again(directory: RunDirectory) -> str:
    """A name for the directory of a second run, which a first one must not be in."""
    return f"{directory.root.resolve().name}-again"


def _after(directory: RunDirectory, result: Result) -> str:
    path = str(directory.ticket)
    verbs = (["verify", path], ["show", path], ["eval", path, "--data", result["data"]])
    return "\n".join(shlex.join(["ticketry", *words]) for words in verbs)


def _explanation(result: Result) -> str:
    words = (get(result["method"]).__doc__ or "").strip().splitlines()[0]
    drawn = f"Method {result['method']}: {words} The weights are those that seed {result['seed']} draws"
    if result["kind"] == "strong":
        return f"{drawn}; none was ever trained."
    return f"{drawn}. The ticket is meant to be trained: accuracies and losses on this page are those before training."


def _tiles(result: Result) -> list[tuple[str, str, str]]:
    accuracy, cost, dense = result["accuracy"], result["cost"], FLOAT * result["maskable"]
    trained = "" if result["kind"] == "strong" else ", untrained"
    spent = [(cost[f"{name}s"], name) for name in ("epoch", "evaluation", "step") if cost[f"{name}s"]]
    effort = "".join(f"{count(n)} {name}{'' if n == 1 else 's'}" for n, name in spent[:1])
    others = f"validation {percent(accuracy['val'])}, train {percent(accuracy['train'])}"
    factor = f"{dense / result['ticket_bytes']:.3g} times smaller than the weights as float32"
    return [
        (f"test accuracy{trained}", percent(accuracy["test"]), others),
        ("density", percent(result["density"]), f"{count(result['kept'])} of {count(result['maskable'])} weights"),
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


def _sizes(summary: Summary) -> list[tuple[str, str, str]]:
    """The file beside what it could be."""
    total, n = summary.bytes["total"], summary.maskable
    rows = [
        ("entropy bound of the mask", math.ceil(summary.entropy_bytes)),
        ("mask at one bit a weight", math.ceil(n / 8)),
        ("all weights as float32", FLOAT * n),
        ("this ticket", total),
    ]
    return [(name, count(size), f"{size / total:.3g} x") for name, size in rows]


def _environment(record: Mapping[str, Any]) -> str:
    used = record.get("environment", {})
    return "Made with " + ", ".join(f"{name} {value}" for name, value in used.items()) + "."
