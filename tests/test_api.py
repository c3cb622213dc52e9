"""The Python API: objects in place of texts, results that print themselves, errors of two kinds."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.laws import tiny
from torch import nn

import ticketry as tk
from ticketry.cli.main import main
from ticketry.core.masks.candidate import Candidate
from ticketry.methods.edge_popup import EdgePopup
from ticketry.methods.random import Random

TRAINING = tk.Training(epochs=1, batch=100)
SHORT = tk.Budget(epochs=1)


class Net(nn.Module):
    """Nothing that a text names."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(16, width), nn.Linear(width, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.first(x).relu())  # type: ignore[no-any-return]


def arrays() -> tuple[Any, ...]:
    d = tiny.dataset()
    return d.x, d.y, d.x_test, d.y_test


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tk.Run:
    out = tmp_path_factory.mktemp("api") / "run"
    return tk.find(EdgePopup(density=0.5), data=arrays(), model=Net(), out=out, budget=SHORT, val=0.25)


class TestObjects:
    def test_the_object_stays_as_it_is(self, tmp_path: Path) -> None:
        net = Net()
        before = {name: tiny.raw(value) for name, value in net.state_dict().items()}
        tk.find(Random(), data=arrays(), model=net, out=tmp_path / "run", budget=SHORT)
        assert {name: tiny.raw(value) for name, value in net.state_dict().items()} == before
        assert net.training
        assert all(parameter.requires_grad for parameter in net.parameters())

    def test_an_instance_and_its_class_are_one_model(self, tmp_path: Path) -> None:
        given: dict[str, Any] = {"data": arrays(), "budget": SHORT}
        one = tk.find(Random(), model=Net(), out=tmp_path / "instance", **given)
        other = tk.find(Random(), model=Net, out=tmp_path / "class", **given)
        assert one.result["digest"] == other.result["digest"]

    def test_its_ticket_says_so_and_is_opened_by_one_of_the_same_structure(self, run: tk.Run) -> None:
        path = run.directory.ticket
        assert run.ticket.content.model.startswith("handed:Net:")
        x, y = (torch.from_numpy(part) for part in arrays()[2:])
        right = tk.load(path).module(model=Net())(x).argmax(1) == y
        assert right.float().mean().item() == pytest.approx(run.result["accuracy"]["test"])
        with pytest.raises(tk.RequestError, match=r"handed over in Python.*pass model=Net\("):
            tk.load(path).module()
        with pytest.raises(tk.RequestError, match="another structure"):
            tk.load(path).module(model=Net(9))

    def test_every_verb_takes_them(self, run: tk.Run, tmp_path: Path) -> None:
        given: dict[str, Any] = {"data": arrays(), "model": Net}
        assert tk.evaluate(run.directory.ticket, **given).quality == run.result["accuracy"]["test"]
        trained = tk.train(run.directory.ticket, out=tmp_path / "trained", training=TRAINING, val=0.25, **given)
        assert trained.result["kind"] == "trainable"
        checked = tk.check(run.directory.root, out=tmp_path / "check", seeds=3, val=0.25, **given)
        assert checked.result["accuracy"] == [checked.result["untrained"]] * 3
        few = tk.LandscapeSettings(directions=1, points=2, grid=3)
        around = tk.landscape(run.directory.root, few, data=tk.from_arrays("arrays", *arrays()), model=Net())
        assert around.result["settings"]["grid"] == 3

    def test_a_comparison_takes_what_it_can_repeat_from_text(self, tmp_path: Path) -> None:
        given: dict[str, Any] = {"data": arrays(), "out": tmp_path / "c", "seeds": 1, "epochs": 1}
        found = tk.compare(["random"], [0.5], model="mlp:6", training=TRAINING, **given)
        assert (tmp_path / "c-data" / "data.npz").exists()
        command = found.result["cells"][0]["runs"][0]["command"]
        assert str(tmp_path / "c-data" / "data.npz") in command
        with pytest.raises(tk.RequestError, match="model is a Net that cannot be imported"):
            tk.compare(["random"], [0.5], model=Net(), **given)  # type: ignore[arg-type]

    def test_reproduce_prints_no_command_that_cannot_work(self, run: tk.Run, tmp_path: Path) -> None:
        page = run.directory.report.read_text()
        assert "ticketry find" not in page
        assert "ticketry eval" not in page
        assert "# model: the object that was handed over" in page
        record = json.loads(run.directory.record.read_text())
        assert record["handed"] == ["data", "model"]
        for words in [line for line in page.splitlines() if line.startswith(("<pre>ticketry", "ticketry "))]:
            assert main(shlex.split(words.removeprefix("<pre>").removesuffix("</pre>"))[1:]) == 0

    def test_the_command_line_says_what_is_missing(self, run: tk.Run, capsys: pytest.CaptureFixture[str]) -> None:
        path = str(run.directory.ticket)
        assert main(["verify", path]) == 0
        assert "handed over" in capsys.readouterr().out
        np.savez(run.directory.root / "d.npz", X=arrays()[0], y=arrays()[1])
        assert main(["eval", path, "--data", str(run.directory.root / "d.npz")]) == 2
        error = capsys.readouterr().err
        assert "handed over in Python" in error
        assert error.count("\n") == 1
        (run.directory.root / "d.npz").unlink()


class Shaped(nn.Module):
    """What it does is an attribute."""

    def __init__(self, act: Any = torch.relu, slope: float = 0.1) -> None:
        super().__init__()
        self.act, self.last, self.leak = act, nn.Linear(16, 4), nn.LeakyReLU(slope)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.leak(self.act(x)))  # type: ignore[no-any-return]


class Uncopied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(16, 4)
        self.more = self.last.weight * 2


class TestIdentity:
    """What was handed over is told apart by more than its name."""

    def test_a_finished_directory_is_not_that_of_other_data(self, tmp_path: Path) -> None:
        x, y, x_test, y_test = arrays()
        given: dict[str, Any] = {"model": "mlp:8", "out": tmp_path / "run", "budget": SHORT}
        tk.find(Random(), data=(x, y, x_test, y_test), **given)
        with pytest.raises(tk.RequestError, match=r"^data is arrays with split digest .* began with"):
            tk.find(Random(), data=(-x, y, -x_test, y_test), **given)
        ticket, out = tmp_path / "run" / "ticket.tkt", tmp_path / "trained"
        tk.train(ticket, data=(x, y, x_test, y_test), out=out, training=TRAINING)
        with pytest.raises(tk.RequestError, match=r"^data is arrays"):
            tk.train(ticket, data=(-x, y, -x_test, y_test), out=out, training=TRAINING)

    @pytest.mark.parametrize("other", [Shaped(torch.tanh), Shaped(slope=0.3), Net(), nn.Sequential(Shaped())])
    def test_a_model_is_not_another_of_the_same_shapes(self, tmp_path: Path, other: nn.Module) -> None:
        found = tk.find(Random(), data=arrays(), model=Shaped(), out=tmp_path / "run", budget=SHORT)
        assert found.ticket.module(model=Shaped()) is not None
        with pytest.raises(tk.RequestError, match="another structure"):
            found.ticket.module(model=other)

    def test_one_that_cannot_be_copied_is_refused_in_a_sentence(self, tmp_path: Path) -> None:
        with pytest.raises(tk.RequestError, match=r"^model is the Uncopied, which cannot be copied \(RuntimeError"):
            tk.find(Random(), data=arrays(), model=Uncopied(), out=tmp_path / "run")

    def test_values_that_are_no_numbers_where_the_mask_cuts_do_not_count(self) -> None:
        task = tiny.problem(Random()).task
        mask = torch.arange(task.space.size) % 2 == 0
        values = task.parameters.untrained(task.effective(torch.ones_like(mask)))
        spoilt = torch.where(task.parameters.mask(task.space.full(mask)) != 0, values, torch.nan)
        assert task.validate(Candidate(mask, spoilt)) == task.validate(Candidate(mask, values))


class TestResults:
    def test_they_print_what_the_command_line_prints(self, run: tk.Run, tmp_path: Path) -> None:
        assert "50.0 % of the random weights" in repr(run)
        assert '<iframe sandbox="" srcdoc=' in run._repr_html_()
        given: dict[str, Any] = {"data": arrays(), "model": Net}
        evaluation = tk.evaluate(run.directory.ticket, **given)
        assert repr(evaluation).startswith("accuracy ")
        assert "<table>" in evaluation._repr_html_()
        assert "<pre>rows are true classes" in evaluation._repr_html_()
        trained = tk.train(run.directory.ticket, out=tmp_path / "t", training=TRAINING, val=0.25, **given)
        assert "trained for 1 epoch" in repr(trained)
        assert "<table>" in trained._repr_html_()
        checked = tk.check(run.directory.ticket, out=tmp_path / "check", seeds=3, val=0.25, **given)
        assert f"verdict on the ticket: {checked.verdict}" in repr(checked)
        assert "<td>shuffle</td>" in checked._repr_html_()

    def test_a_comparison_and_a_landscape(self, tmp_path: Path) -> None:
        given: dict[str, Any] = {"data": "moons(train=100)", "model": "mlp:6", "seeds": 1, "training": TRAINING}
        found = tk.compare(["random", "magnitude"], [0.5], out=tmp_path / "c", epochs=1, **given)
        assert "magnitude" in repr(found)
        assert "<iframe" in found._repr_html_()
        made = tk.find(Random(), data="moons(train=100)", model="mlp:6", out=tmp_path / "run")
        around = tk.landscape(made.directory.root, tk.LandscapeSettings(directions=1, points=2, grid=3))
        assert "towards" in repr(around)
        assert "<iframe" in around._repr_html_()

    def test_nothing_of_a_page_escapes_its_frame(self) -> None:
        from ticketry.report.notebook import framed, table

        assert '"><script>' not in framed('<p title="x"><script>alert(1)</script>')
        assert "<script>" not in table("<script>", [("<script>",)])


class TestErrors:
    def test_wrong_input_is_a_value_error_too(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="density is 2"):
            tk.find(Random(density=2), data="moons", model="mlp:6", out=tmp_path / "run")
        assert issubclass(tk.RequestError, tk.TicketryError)
        assert issubclass(tk.TicketError, tk.TicketryError)
        assert not issubclass(tk.TicketError, ValueError)

    @pytest.mark.parametrize(
        ("wrong", "says"),
        [
            ({"data": (1, 2, 3)}, "data is a tuple"),
            ({"data": None}, "data is a NoneType"),
            ({"model": 3}, "model is a int"),
            ({"model": nn.Linear}, "model is the class Linear, which cannot be called without arguments"),
            ({"model": int}, "model is a type"),
        ],
    )
    def test_what_is_no_object_of_the_kind_is_named(self, tmp_path: Path, wrong: dict[str, Any], says: str) -> None:
        given = {"data": "moons", "model": "mlp:6", "out": tmp_path / "run"} | wrong
        with pytest.raises(tk.RequestError, match=f"^{says}"):
            tk.find(Random(), **given)
        assert not (tmp_path / "run").exists()

    def test_a_method_from_elsewhere_is_refused_before_its_search(self, tmp_path: Path) -> None:
        from tests.methods.broken import Sound

        with pytest.raises(tk.RequestError, match=r"^method is a Sound of .*, but it must be one of ticketry's"):
            tk.find(Sound(), data="moons", model="mlp:6", out=tmp_path / "run")

    @pytest.mark.parametrize(
        ("wrong", "says"),
        [
            (lambda run: tk.check(3), "ticket is a int"),  # type: ignore[arg-type]
            (lambda run: tk.train(run, data="moons", out="t", training={"epochs": 3}), "training is a dict"),  # type: ignore[arg-type]
            (lambda run: tk.landscape(run, {"grid": 3}), "settings is a dict"),  # type: ignore[arg-type]
            (lambda run: tk.evaluate(run, "moons", "val"), "split is 'val'"),  # type: ignore[arg-type]
            (lambda run: tk.compare("random", [0.5], data="moons", model="mlp", out="c"), "methods is 'random'"),
            (lambda run: tk.compare([Random()], [0.5], data="moons", model="mlp", out="c"), "methods is"),  # type: ignore[list-item]
            (lambda run: tk.compare(["random"], [1.5], data="moons", model="mlp", out="c"), "densities is 1.5"),
            (lambda run: run.ticket.module(Net()), "device is a Net"),
        ],
    )
    def test_natural_mistakes_are_one_sentence(self, run: tk.Run, wrong: Any, says: str) -> None:
        with pytest.raises(tk.RequestError, match=f"^{says}"):
            wrong(run)
        assert not Path("c").exists()

    def test_data_and_tickets_print_in_a_line(self, run: tk.Run) -> None:
        assert len(repr(tk.from_arrays("mine", *arrays()))) < 150
        assert len(repr(run.ticket)) < 150
