"""Experiment: everything that decides the result of a run, as plain data with a digest."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

from ticketry.core.canonical import digest
from ticketry.core.errors import refuse
from ticketry.core.masks.allocation import LockAllocation
from ticketry.core.meters import Budget
from ticketry.methods import get, name_of
from ticketry.methods._contract import Method

SCHEMA = 1  # of experiment.json; a change of meaning without a change of fields raises it


@dataclass(frozen=True, kw_only=True)
class Lock:
    """Positions fixed before the search, in a random pattern drawn from the seed (arXiv 2402.14029)."""

    off: float = 0.0
    """Fraction p of the maskable weights locked off, in [0, 1); at most 1 - density."""
    on: float = 0.0
    """Fraction r of the maskable weights locked on, in [0, 1); at most the density, and p + r below 1."""
    budget: LockAllocation = "epl"
    """How the locks are shared out over the layers."""
    split: Literal["sparsity", "density"] = "sparsity"
    """Which of the authors' two ways turns p and r into layer counts."""

    def __post_init__(self) -> None:
        for name in ("off", "on"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise refuse(f"lock.{name}", value, "a fraction in [0, 1)", "pass 0.35 to lock 35 % of the weights")
        if self.off + self.on >= 1:
            raise refuse("lock.off + lock.on", self.off + self.on, "below 1", "leave some weights to search")

    @property
    def any(self) -> bool:
        return self.off > 0 or self.on > 0


@dataclass(frozen=True, kw_only=True)
class Search:
    """Which parameters are searched."""

    include: tuple[str, ...] = ()
    """Name patterns (shell style) of the parameters to mask; none means the weights of all layers."""
    exclude: tuple[str, ...] = ()
    """Name patterns of parameters to leave unmasked."""

    def __post_init__(self) -> None:
        for name, patterns in vars(self).items():
            if isinstance(patterns, str):
                raise refuse(f"search.{name}", repr(patterns), "a tuple of patterns", f"write ({patterns!r},)")


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One run. Equal experiments on equal software give equal tickets."""

    method: Method[Any]
    data: str
    model: str
    seed: int = 0
    budget: Budget = field(default_factory=Budget)
    lock: Lock = field(default_factory=Lock)
    search: Search = field(default_factory=Search)
    val: float = 0.1
    device: str = "cpu"

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**63:
            raise refuse("seed", self.seed, "an integer in [0, 2^63)", "choose another seed")
        if not 0 < self.val < 1:
            raise refuse("val", self.val, "a fraction in (0, 1)", "pass 0.1 to keep 10 % of the training data for it")

    @property
    def resolved(self) -> dict[str, Any]:
        """All fields with their values, defaults included, as JSON-ready data."""
        whole = asdict(replace(self, budget=self.budget.over(self.method.budget)))
        whole["method"] = {"name": name_of(self.method), **whole["method"]}
        return json.loads(json.dumps({"schema": SCHEMA, **whole}))  # type: ignore[no-any-return]

    @property
    def digest(self) -> str:
        """SHA-256 over the canonical JSON of `resolved`, hex."""
        return digest(self.resolved)


def from_json(data: dict[str, Any]) -> Experiment:
    """The Experiment that `resolved`, or an `experiment.json`, describes."""
    data = {field.name: data[field.name] for field in fields(Experiment)}
    method = dict(data.pop("method"))
    search = Search(**{name: tuple(value) for name, value in data.pop("search").items()})
    return Experiment(
        method=get(method.pop("name"))(**method),
        budget=Budget(**data.pop("budget")),
        lock=Lock(**data.pop("lock")),
        search=search,
        **data,
    )
