"""Candidate: a network that a search proposes, and what flows from a method to the ticket."""

from __future__ import annotations

from dataclasses import dataclass

from ticketry.core.lazy import torch


@dataclass(frozen=True, eq=False)
class Candidate:
    """The weights that are kept, and their values where these are not the ones that the seed draws."""

    mask: torch.Tensor
    """Bool[D]: the searched weights that are kept."""
    values: torch.Tensor | None = None
    """Float[M], all parameters of the network, see core/nets/parameters.py; what the mask cuts does not count."""


def candidate(answer: torch.Tensor | Candidate) -> Candidate:
    """What a method answers, which may be a mask alone."""
    return answer if isinstance(answer, Candidate) else Candidate(answer)
