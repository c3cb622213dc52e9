"""A ticket file verified: its digests computed anew, and its model built where that runs no code that nobody trusts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ticketry import models
from ticketry.core import spec
from ticketry.core.trust import Trusted, permitted, trusting
from ticketry.ticket import file
from ticketry.ticket.file import Check
from ticketry.ticket.limits import MAX_WEIGHTS


@dataclass(frozen=True)
class Verified:
    """What came of it. `model`: its text in the file; `unbuilt`: why it was not built, empty where it was."""

    checks: tuple[Check, ...]
    model: str
    unbuilt: str

    @property
    def sound(self) -> bool:
        """Whether every digest is the one that the file states."""
        return all(check.ok for check in self.checks)

    @property
    def said(self) -> str:
        """What became of the model, as the end of a sentence."""
        return f"; the model was not built: {self.unbuilt}" if self.unbuilt else ", and the model builds"

    @property
    def json(self) -> dict[str, Any]:
        """All of it as JSON-ready data."""
        return {
            "sound": self.sound,
            "digests": [check._asdict() for check in self.checks],
            "model": self.model,
            "built": not self.unbuilt,
            "unbuilt": self.unbuilt or None,
        }


def verified(
    path: Path,
    digest: bool = False,
    model: models.Model | None = None,
    trust: Trusted = (),
    max_weights: int = MAX_WEIGHTS,
) -> Verified:
    """Verify a ticket file. `digest`: its digests alone, without torch; `model`, `trust`: see Ticket.module;
    `max_weights`: the most that the file may ask for.

    Names and shapes of the parameters are those that the file speaks of; only a model that is built can contradict
    them. Raises TicketError where it does, or the file is damaged; RequestError where the model cannot be built.
    """
    ticket, known = file.load(path, max_weights), trusting(trust)
    found = Verified(tuple(file.verify(ticket)), ticket.model, "")
    why = "only the digests were asked for" if digest else _why_not(ticket.model, model, known)
    why = why if found.sound else "the digests differ"
    if not why:
        from ticketry.ticket.module import Ticket  # late: it needs torch

        Ticket(ticket).module(model=model, trust=known)
    return Verified(found.checks, ticket.model, why)


def _why_not(text: str, model: models.Model | None, trust: Trusted) -> str:
    if model is not None:
        return ""
    if models.handed(text):
        return "it was handed over in Python; --model names one of the same structure"
    named = spec.parse("model", text)
    if not named.imported or permitted(named, trusting(trust)):
        return ""
    module = named.target.partition(":")[0]
    return f"{spec.quoted(named)} is code that the file names; --trust {module} runs it, once you have read it"
