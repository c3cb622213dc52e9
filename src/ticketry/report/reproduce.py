"""The command line and the Python program that repeat a run."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from ticketry.core.errors import shorten
from ticketry.experiment import Experiment
from ticketry.methods import get

NODES = {"budget": "Budget", "lock": "Lock", "search": "Search"}  # parts of an experiment and their Python names


def command(record: Mapping[str, Any], out: str) -> str:
    """The command line of an `experiment.json`, with the flags that are not at their defaults, into directory `out`.

    Where something was handed over as an object there is none: the empty text.
    """
    if record.get("handed"):
        return ""
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
    handed = record.get("handed", ())
    lines = [method, *(f"{name}={name if name in handed else repr(value)}" for name, value in own.items())]
    lines += [f"{part}=tk.{NODES[part]}({_arguments(values)})" for part, values in changed.items() if values]
    inner = "".join(f"    {line},\n" for line in [*lines, f"out={out!r}"])
    ours = "".join(f"# {name}: the object that was handed over, {shorten(own[name])}\n" for name in handed)
    net = "run.ticket.module(model=model)" if "model" in handed else "run.ticket.module()"
    return f"import ticketry as tk\n\n{ours}run = tk.find(\n{inner})\nnet = {net}"


def _changed(record: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Settings that are not at their defaults, by the part of the experiment they belong to; "" for its own fields."""
    method = get(record["method"]["name"])()
    default = Experiment(method=method, data="", model="").resolved
    own = {name: record[name] for name in ("val", "device", "standardise") if name in record}
    parts = {part: record[part] for part in ("method", *NODES)} | {"": own}
    return {
        part: {name: value for name, value in values.items() if value != (default[part] if part else default).get(name)}
        for part, values in parts.items()
    }


def _flag(name: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [f"--{name}" if value else f"--no-{name}"]
    return [f"--{name}", *map(str, value if isinstance(value, list) else [value])]


def _arguments(values: Mapping[str, Any]) -> str:
    plain = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    return ", ".join(f"{name}={value!r}" for name, value in plain.items())
