"""What is tried with each model of the zoo, and the table of it: `python -m tests.models.tried`.

`find`, `eval`, `verify`, `check` and `module()` must speak of one network.
"""

from __future__ import annotations

import copy
import tempfile
import warnings
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch
from tests.models import zoo

import ticketry as tk
from ticketry.data import Dataset, from_arrays, load
from ticketry.ticket import file

EXAMPLES = 240


class Row(NamedTuple):
    """`weights`: in all; `searched`: under the mask; `outside`: kinds of layers that are not."""

    name: str
    family: str
    source: str
    weights: int
    searched: int
    outside: str


@cache
def digits() -> Dataset:
    """Some of the digits: 240 examples to train and validate on, and as many to test."""
    whole, n = load("digits"), EXAMPLES
    return from_arrays("some digits", whole.x[:n], whole.y[:n], whole.x_test[:n], whole.y_test[:n])


def tried(name: str, *include: str) -> Row:
    """Search a ticket in a model and hold against each other what the verbs say of it; `include`: what is searched."""
    data, model = digits(), f"tests.models.zoo:build({name!r})"
    with tempfile.TemporaryDirectory() as path:
        method = tk.methods.EdgePopup(batch=32)
        settings = {"budget": tk.Budget(epochs=2), "search": tk.Search(include=include)}
        run = tk.find(method, data=data, model=model, out=Path(path) / "run", **settings)
        result, ticket = run.result, run.ticket
        again = tk.evaluate(run, data).result
        assert again["accuracy"] == result["accuracy"]["test"]
        assert abs(again["loss"] - result["loss"]["test"]) <= 1e-6 * abs(again["loss"])
        assert all(check.ok for check in file.verify(file.load(run.directory.ticket)))
        court = tk.check(run, data=data, seeds=3).result
        assert court["untrained"] == result["accuracy"]["test"]
    plain, net = ticket.module(), ticket.module(trainable=True).eval()
    x = torch.from_numpy((data.x_test - data.mean[0]) / data.std[0]).float()
    with torch.no_grad():
        logits, other, third = (_logits(one(x)) for one in (plain, net, copy.deepcopy(net)))
    right = (logits.argmax(1).numpy() == data.y_test).mean()
    assert right == result["accuracy"]["test"]
    assert torch.equal(other, third)
    torch.testing.assert_close(logits, other, atol=1e-6, rtol=1e-6)
    sentence = [one for one in result["warnings"] if " weights are not (" in one]
    outside = sentence[0].split("; ", 1)[1].split(" weights are not")[0] if sentence else ""
    entry = zoo.MODELS[name]
    return Row(name, entry.family, entry.source, result["weights"], result["maskable"], outside)


def _logits(out: object) -> torch.Tensor:
    found = out if isinstance(out, torch.Tensor) else out.logits  # type: ignore[attr-defined]
    assert isinstance(found, torch.Tensor)
    return found


def line(row: Row) -> str:
    """A row of the table of docs/models-tried.md."""
    return f"| `{row.name}` | {row.family} | {row.source} | {row.searched:,} of {row.weights:,} | {row.outside} |"


def table() -> None:
    """Print that table."""
    warnings.simplefilter("ignore")
    print("| model | family | from | weights searched by default | layers outside |\n| --- | --- | --- | --- | --- |")
    for name in zoo.MODELS:
        print(line(tried(name)), flush=True)


if __name__ == "__main__":
    table()
