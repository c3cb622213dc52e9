"""What a check found: each control's accuracies and verdict, the verdict on the ticket, and what it all cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ticketry.checks import controls, corruptions
from ticketry.checks.verdict import decide, lives, overall

if TYPE_CHECKING:
    from ticketry.checks.trial import Trial

TICKET = "the ticket"


def outcome(
    trial: Trial, kind: str, draws: Sequence[Mapping[str, Any]], guess: float, searched: Mapping[str, Any] | None
) -> dict[str, Any]:
    """`result.json` of a check, but for its digests.

    `draws`: for each the accuracies and the layers' counts of the ticket and of each control, by name. `guess`:
    accuracy of the best constant guess. `searched`: what the searches on corrupted data cost, a part of the whole.
    """
    chance = 1.05 * guess if trial.trained else -1.0  # untrained, chance is to be expected
    which = "trained" if trial.trained else "untrained"

    def whole(name: str) -> bool:
        return all(min(line["kept"][name]) > 0 for line in draws)

    ticket = [line[which][TICKET] for line in draws]
    verdicts, words = [], []
    for name in (name for name in trial.controls if name in draws[0][which]):
        accuracies = [line[which][name] for line in draws]
        verdict = decide(ticket, accuracies, whole(name), chance, name)
        words.append(verdict.word)
        untrained = math.fsum(line["untrained"][name] for line in draws) / len(draws)
        says = (corruptions if name in corruptions.discover() else controls).meaning(name)
        verdicts.append(
            {"control": name, "meaning": says, "accuracy": accuracies, "untrained": untrained} | asdict(verdict)
        )
    return {
        "verdict": overall(words, lives(ticket, whole(TICKET), chance)),
        "judged": which,
        "kind": kind,
        "ticket": trial.ticket,
        "data": trial.data,
        "seeds": trial.seeds,
        "accuracy": ticket,
        "untrained": draws[0]["untrained"][TICKET],
        "kept": draws[0]["kept"][TICKET],
        "controls": verdicts,
        "training": asdict(trial.training) if trial.trained else None,
        "cost": {name: spent + (searched or {}).get(name, 0) for name, spent in draws[-1]["cost"].items()},
        "searches": searched,
    }
