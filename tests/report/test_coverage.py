"""What is not searched is said wherever a ticket is: in the result, the text, the page and by `show`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from tests.laws import families, tiny

from ticketry.experiment import Search
from ticketry.methods.magnitude import Magnitude
from ticketry.report import text
from ticketry.report.coverage import searched
from ticketry.runs import find as run
from ticketry.ticket import file


def found(out: Path, family: str, *include: str) -> run.Run:
    wanted = replace(tiny.experiment(Magnitude(density=0.25)), model=families.text(family))
    return run.execute(replace(wanted, search=Search(include=include)), out, dataset=tiny.dataset())


def test_a_mask_of_some_weights_says_so_everywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = found(tmp_path / "run", "lstm", "head.weight")
    result = json.loads(done.directory.result.read_text())
    assert (result["maskable"], result["weights"], result["kept"]) == (24, 24 + 4 * 6 * 10, 6)
    (warning,) = result["warnings"]
    assert "searched 24 of 264 weights; LSTM weights are not (body.weight_ih_l0 and body.weight_hh_l0)" in warning
    assert "search.include" in warning
    assert "25.0 % of the searched weights of" in text.headline(result)
    console = Console(width=200, record=True, markup=False, highlight=False)
    text.print_result(done.directory, result, console)
    text.print_ticket(done.directory.ticket, file.inspect(done.directory.ticket), console)
    said = " ".join(console.export_text().split())
    assert "6 of 24 searched weights kept" in said
    assert "24 weights; 240 of 264 are outside the mask" in said
    assert "240 of 264 weights, all kept: body.weight_ih_l0, body.weight_hh_l0" in said
    assert warning in capsys.readouterr().err
    page = done.directory.report.read_text()
    assert "of the searched weights that is kept" in page
    assert "6 of 24 searched weights" in page
    assert "LSTM weights are not" in page


def test_a_mask_of_all_weights_needs_no_word(tmp_path: Path) -> None:
    done = found(tmp_path / "run", "lstm")
    assert done.result["warnings"] == []
    assert done.result["weights"] == done.result["maskable"] == 264
    assert "searched" not in text.headline(done.result)
    assert file.inspect(done.directory.ticket).outside == ()
    assert "of the weights that is kept" in done.directory.report.read_text()


def test_an_embedding_stays_outside_and_is_named(tmp_path: Path) -> None:
    done = found(tmp_path / "run", "embedding")
    assert done.result["weights"] - done.result["maskable"] == 24
    assert "Embedding weights are not (table.weight)" in done.result["warnings"][0]


def test_a_result_from_before_weights_were_counted_is_read() -> None:
    assert searched({"maskable": 10}) == searched({"weights": 10, "maskable": 10}) == ""
    assert searched({"weights": 11, "maskable": 10}) == "searched "
