"""The directory of a recipe.

`plan.json` is written first and says whose directory it is; every run has its own directory below; `recipe.json`, with
all numbers, is written last, and its presence means that the recipe is finished.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ticketry.core.atomic import write
from ticketry.core.errors import RequestError, refuse
from ticketry.recipes.plan import Recipe
from ticketry.runs.record import is_fresh


@dataclass(frozen=True)
class RecipeDirectory:
    """Where a recipe keeps its things."""

    root: Path

    @property
    def plan(self) -> Path:
        """Which recipe at which scale, and the digest of all its settings."""
        return self.root / "plan.json"

    @property
    def result(self) -> Path:
        """All numbers; written last."""
        return self.root / "recipe.json"

    @property
    def table(self) -> Path:
        """One line a run, for spreadsheets."""
        return self.root / "runs.csv"

    @property
    def report(self) -> Path:
        return self.root / "report.html"


def finished(directory: RecipeDirectory) -> dict[str, Any]:
    """What `recipe.json` holds; RequestError where it is damaged."""
    try:
        return json.loads(directory.result.read_text())  # type: ignore[no-any-return]
    except ValueError:
        raise RequestError(
            f"out is {directory.root}, whose recipe.json is damaged; delete that file and give the same command to"
            " write it anew."
        ) from None


def begin(directory: RecipeDirectory, recipe: Recipe) -> None:
    """Make the directory this recipe's, or see that it is; RequestError where it cannot be."""
    root = directory.root
    plan = {"recipe": recipe.name, "scale": recipe.scale, "digest": recipe.digest}
    try:
        if directory.plan.exists():
            _compare(root, plan, json.loads(directory.plan.read_text()))
        elif root.exists() and (not root.is_dir() or not is_fresh(root)):
            raise refuse("out", root, "a new or empty directory, or one of this recipe's", "name another path")
        else:
            root.mkdir(parents=True, exist_ok=True)
            write(directory.plan, json.dumps(plan, indent=2) + "\n")
    except OSError as error:
        raise refuse("out", root, f"writable ({error.strerror})", "name another path") from None
    except ValueError:
        raise refuse("out", root, "readable, but its plan.json is damaged", "name another path") from None


def _compare(root: Path, plan: Mapping[str, str], there: object) -> None:
    if not isinstance(there, dict):
        raise ValueError("not a plan")
    for name, value in plan.items():
        if there.get(name) != value:
            what = "digest of all settings" if name == "digest" else name
            raise RequestError(
                f"out is {root}, which holds a recipe with {what} {there.get(name)!r}, not {value!r}; name another"
                " directory, or delete that one."
            )
