"""What a check found: each control's qualities and verdict, the verdict on the ticket, and what it all cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ticketry.checks import controls, corruptions
from ticketry.checks.verdict import RULE, Tried, verdicts
from ticketry.core.objective import Measure
from ticketry.runs.train import TrainedTicket

TICKET = "the ticket"


@dataclass(frozen=True, kw_only=True)
class Trial(TrainedTicket):
    """What decides the outcome of a check. `seeds`: draws; `trained`: whether the networks are trained first."""

    seeds: int
    trained: bool
    controls: tuple[str, ...]


def outcome(
    trial: Trial,
    kind: str,
    draws: Sequence[Mapping[str, Any]],
    measure: Measure,
    chance: float,
    searched: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """`result.json` of a check, but for its digests.

    `draws`: for each the qualities and the layers' counts of the ticket and of each control, by name. `chance`:
    see Objective. `searched`: what the searches on corrupted data cost, a part of the whole.
    """
    chance = chance if trial.trained else -math.inf  # untrained, chance is to be expected
    which = "trained" if trial.trained else "untrained"

    def tried(name: str) -> Tried:
        return Tried([line[which][name] for line in draws], all(min(line["kept"][name]) > 0 for line in draws))

    ticket = tried(TICKET)
    there = {name: tried(name) for name in trial.controls if name in draws[0][which]}
    verdict, found = verdicts(ticket, there, chance, measure.margin)
    rows = []
    for name, control in there.items():
        untrained = math.fsum(line["untrained"][name] for line in draws) / len(draws)
        says = (corruptions if name in corruptions.discover() else controls).meaning(name)
        rows.append(
            {"control": name, "meaning": says, measure.name: control.qualities, "untrained": untrained}
            | asdict(found[name])
        )
    return {
        "verdict": verdict,
        "rule": RULE,
        "judged": which,
        "kind": kind,
        "ticket": trial.ticket,
        "data": trial.data,
        "seeds": trial.seeds,
        "measure": measure.name,
        measure.name: ticket.qualities,
        "untrained": draws[0]["untrained"][TICKET],
        "kept": draws[0]["kept"][TICKET],
        "controls": rows,
        "training": asdict(trial.training) if trial.trained else None,
        "cost": {name: spent + (searched or {}).get(name, 0) for name, spent in draws[-1]["cost"].items()},
        "searches": searched,
    }
