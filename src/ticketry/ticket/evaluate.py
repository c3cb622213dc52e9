"""Quality and loss of a ticket's network on some data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ticketry import objectives
from ticketry.core import device as devices
from ticketry.core.errors import refuse, unended
from ticketry.core.meters import Meter
from ticketry.core.nets.feed import feed
from ticketry.core.nets.net import answer
from ticketry.core.objective import About
from ticketry.core.trust import Trusted
from ticketry.data import Dataset
from ticketry.data.arrays import Targets
from ticketry.data.labelled import Labelled, Part, labelled
from ticketry.ticket import examples
from ticketry.ticket.confusion import confusion
from ticketry.ticket.content import Header
from ticketry.ticket.module import Model, Ticket
from ticketry.ticket.predict import decided


@unended("the evaluation")
def evaluate(
    ticket: Ticket,
    source: str | Dataset | Sequence[object],
    split: Part = "test",
    device: str = "cpu",
    model: Model = None,
    trust: Trusted = (),
) -> dict[str, Any]:
    """Mean loss, quality under its measure's name, and number of examples on a split: test, train or all of them.

    `source`: a text, a Dataset, or arrays (X, y) or (X, y, X_test, y_test), of one example or more, of any of the
    ticket's classes; see data/labelled.py on what the test part of (X, y) is. Numbers become inputs by the scaling of
    the ticket. `model`: one of the same structure, for a ticket whose model was handed over, or the text of one;
    `trust`: names of modules that the ticket may run. `same_data`: whether these are the data that the ticket was found
    on, by their digest. Of classes also what `confusion` returns.
    """
    header, where = ticket.content, devices.device(device)
    found = labelled(source, split, header.objective, header.data.rpartition(":")[2])
    x, y = examples.of_kind(f"data {found.name}: X", found.x, header), _targets(found, header)
    about = About(header.input_shape, header.outputs, "", y, header.target)
    objective = objectives.get(header.objective).of(about)
    answers, network = [], ticket.network(model=model, trust=trust).to(where)

    def answered(batch: torch.Tensor) -> torch.Tensor:
        outputs = answer(network, batch)
        if y.ndim == 1:
            answers.append(decided(outputs).cpu())
        return outputs

    split_feed = feed(x, objective.targets(y), examples.scaling(header), where)
    loss, quality = objective.judge(answered, split_feed, Meter())
    measure = objective.measure.name
    whole = {
        "measure": measure,
        measure: quality,
        "loss": objective.reported(loss),
        "examples": len(y),
        "same_data": found.known,
    }
    if not answers:
        return whole
    return whole | confusion(y, torch.cat(answers).numpy(), header.outputs, header.labels)  # type: ignore[arg-type]


def fits(dataset: Dataset, source: str, ticket: Header) -> None:
    """Refuse data to train on whose examples, outputs or names of classes are not those of the ticket."""
    here = (dataset.input_shape, dataset.outputs, dataset.objective)
    if here != (ticket.input_shape, ticket.outputs, ticket.objective):
        shape, outputs, objective = here
        raise refuse(
            "data",
            f"{source} with examples {shape} of {outputs} {_what(objective)}",
            f"of the ticket's kind, {ticket.input_shape} of {ticket.outputs} {_what(ticket.objective)}",
            "use the data set it was found on, or one like it",
        )
    if dataset.labels and ticket.labels and dataset.labels != ticket.labels:
        names, known = ", ".join(dataset.labels), ", ".join(ticket.labels)
        remedy = "order the classes as it does, or leave the names out"
        raise refuse("data", f"{source} with classes {names:.200}", f"with those of the ticket, {known:.200}", remedy)


def _targets(found: Labelled, ticket: Header) -> Targets:
    """Targets as the ticket numbers its classes: by their names, where both have some."""
    y, field = found.y, f"data {found.name}: y"
    if y.ndim == 2:
        if y.shape[1] != ticket.outputs:
            raise refuse(field, f"{y.shape[1]} numbers each", f"{ticket.outputs}, as the ticket has", "pass as many")
        return y
    if found.labels and ticket.labels:
        for name in found.labels:
            if name not in ticket.labels:
                known = f"one of the ticket's, {', '.join(ticket.labels)}"
                raise refuse("labels", repr(name), f"{known:.300}", "name classes as it does, or leave the names out")
        y = np.array([ticket.labels.index(name) for name in found.labels])[y]
    if y.max() >= ticket.outputs:
        allowed = f"0..{ticket.outputs - 1}, the classes of the ticket"
        raise refuse(field, f"{y.max()} at index {y.argmax()}", allowed, "number classes as the ticket does")
    return y


def _what(objective: str) -> str:
    return "classes" if objective == "classification" else f"outputs for {objective}"
