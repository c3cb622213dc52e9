"""What the numbers of examples and outputs mean in a problem: as its ticket says where there is one, else the data."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ticketry.core.canonical import digest
from ticketry.core.objective import Target
from ticketry.core.scaling import AS_IS, Scaling
from ticketry.data import Dataset
from ticketry.data.features import standardised
from ticketry.ticket import examples
from ticketry.ticket.content import Header


class Meaning(NamedTuple):
    """`target`: that of a ticket, where there is one."""

    scaling: Scaling
    labels: tuple[str, ...]
    target: Target | None = None

    @classmethod
    def of_data(cls, dataset: Dataset, train: NDArray[np.int64] | None = None) -> Meaning:
        """As a search on them takes it: standardised by the examples `train`, or as the data say."""
        scaling = dataset.scaling if train is None else standardised(dataset.x[train])
        return cls(scaling, dataset.labels)

    @classmethod
    def of_ticket(cls, ticket: Header) -> Meaning:
        """As its network was found with, whatever data it meets."""
        return cls(examples.scaling(ticket), ticket.labels, ticket.target)

    @property
    def digest(self) -> str:
        """SHA-256 in hex over scaling and labels: what a search must find unchanged when it goes on."""
        pairs = [[float(number).hex() for number in pair] for pair in self.scaling.pairs]
        return digest([self.scaling.unit, pairs, list(self.labels)])

    @property
    def kept(self) -> Scaling | None:
        """The scaling as a ticket keeps it: None where numbers are inputs."""
        return None if self.scaling == AS_IS else self.scaling
