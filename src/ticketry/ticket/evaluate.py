"""Quality and loss of a ticket's network on some data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from ticketry import data, objectives
from ticketry.core import device as devices
from ticketry.core.errors import refuse
from ticketry.core.meters import Meter
from ticketry.core.nets.feed import feed
from ticketry.core.nets.net import answer
from ticketry.core.objective import About
from ticketry.data import Dataset
from ticketry.ticket.content import Header
from ticketry.ticket.module import Model, Ticket


def evaluate(
    ticket: Ticket,
    source: str | Dataset | Sequence[object],
    split: Literal["test", "train", "all"] = "test",
    device: str = "cpu",
    model: Model = None,
) -> dict[str, Any]:
    """Mean loss, quality under its measure's name, and number of examples on a split: test, train or all of them.

    `source`: a text, a Dataset or four arrays; `model`: one of the same structure, for a ticket whose model was handed
    over. `same_data`: whether these are the data that the ticket was found on, by their digest.
    """
    (name, given), header, where = data.named(source), ticket.content, devices.device(device)
    dataset = data.load(name) if given is None else given
    fits(dataset, name, header)
    parts = {"test": [0], "train": [1], "all": [1, 0]}[split]
    x = np.concatenate([(dataset.x_test, dataset.x)[part] for part in parts])
    y = np.concatenate([(dataset.y_test, dataset.y)[part] for part in parts])
    about = About(header.input_shape, header.outputs, dataset.digest, y, header.target)
    objective = objectives.get(header.objective).of(about)
    examples = feed(x, objective.targets(y), dataset.mean, dataset.std, where)
    network = ticket.network(model=model).to(where)
    loss, quality = objective.judge(lambda x: answer(network, x), examples, Meter())
    same = header.data.endswith(f":{dataset.digest[:8]}")
    measure = objective.measure.name
    reported = objective.reported(loss)
    return {"measure": measure, measure: quality, "loss": reported, "examples": len(y), "same_data": same}


def fits(dataset: Dataset, source: str, ticket: Header) -> None:
    """Refuse data whose examples or outputs are not of the ticket's kind."""
    here = (dataset.input_shape, dataset.outputs, dataset.objective)
    if here != (ticket.input_shape, ticket.outputs, ticket.objective):
        shape, outputs, objective = here
        raise refuse(
            "data",
            f"{source} with examples {shape} of {outputs} {_what(objective)}",
            f"of the ticket's kind, {ticket.input_shape} of {ticket.outputs} {_what(ticket.objective)}",
            "use the data set it was found on, or one like it",
        )


def _what(objective: str) -> str:
    return "classes" if objective == "classification" else f"outputs for {objective}"
