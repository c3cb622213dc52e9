"""Accuracy and loss of a ticket's network, through the ordinary module that a user would get."""

from __future__ import annotations

import numpy as np

from ticketry import data
from ticketry.core import device as devices
from ticketry.core.errors import refuse
from ticketry.core.meters import Meter
from ticketry.core.nets.feed import feed
from ticketry.core.nets.judge import judge
from ticketry.data import Dataset
from ticketry.ticket.content import Header
from ticketry.ticket.module import Ticket


def evaluate(ticket: Ticket, source: str, split: str = "test", device: str = "cpu") -> dict[str, float]:
    """Mean loss, accuracy (a fraction) and number of examples on a split: test, train or all of them.

    `same_data`: whether these are the data that the ticket was found on, by their digest.
    """
    dataset = data.load(source)
    fits(dataset, source, ticket.content)
    parts = {"test": [0], "train": [1], "all": [1, 0]}[split]
    x = np.concatenate([(dataset.x_test, dataset.x)[part] for part in parts])
    y = np.concatenate([(dataset.y_test, dataset.y)[part] for part in parts])
    examples = feed(x, y, dataset.mean, dataset.std, devices.device(device))
    loss, accuracy = judge(ticket.module(device), examples, Meter())
    same = ticket.content.data.endswith(f":{dataset.digest[:8]}")
    return {"accuracy": accuracy, "loss": loss, "examples": len(y), "same_data": same}


def fits(dataset: Dataset, source: str, ticket: Header) -> None:
    """Refuse data whose examples or classes are not of the ticket's kind."""
    if dataset.input_shape != ticket.input_shape or dataset.classes != ticket.classes:
        raise refuse(
            "data",
            f"{source} with examples {dataset.input_shape} of {dataset.classes} classes",
            f"of the ticket's kind, {ticket.input_shape} of {ticket.classes}",
            "use the data set it was found on, or one like it",
        )
