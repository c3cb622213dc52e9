"""Models that nobody here wrote go through every verb and stay the same network; the page of them is of these."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from tests.models import zoo
from tests.models.tried import line, tried

PAGE = Path(__file__).parents[2] / "docs" / "models-tried.md"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "include"),
    [*((name, ()) for name in zoo.MODELS), ("gpt2", ("*.c_attn.weight", "*.c_fc.weight", "*.c_proj.weight"))],
)
def test_what_the_verbs_say_is_of_one_network(name: str, include: tuple[str, ...]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of libraries about themselves
        if zoo.MODELS[name].source != "torch.nn":
            pytest.importorskip(zoo.MODELS[name].source)
        found = tried(name, *include)
    assert found.searched > 0
    if not include:
        assert line(found) in PAGE.read_text().splitlines()


def test_the_page_lists_them_all() -> None:
    rows = [row.split("|")[1].strip(" `") for row in PAGE.read_text().splitlines() if row.startswith("| `")]
    assert rows == list(zoo.MODELS)
    assert len(rows) >= 30
    assert len({model.family for model in zoo.MODELS.values()}) >= 8


@pytest.mark.parametrize("name", [name for name, model in zoo.MODELS.items() if model.source == "torch.nn"])
def test_models_of_torch_build(name: str) -> None:
    assert sum(parameter.numel() for parameter in zoo.build(name).parameters()) < 100_000
