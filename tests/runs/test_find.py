from __future__ import annotations

import json
import math
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.laws import tiny

import ticketry as tk
from ticketry.core.errors import RequestError
from ticketry.core.meters import Meters
from ticketry.core.trust import Trust
from ticketry.data import from_arrays
from ticketry.experiment import Experiment, Lock, from_json
from ticketry.methods.edge_popup import EdgePopup
from ticketry.methods.random import Random
from ticketry.runs import checkpoint, job
from ticketry.runs import find as run
from ticketry.ticket import file

WANTED = tiny.experiment(EdgePopup(batch=32))


class Killed(BaseException):
    """Stands for SIGKILL."""


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "run"


def snapshot(root: Path) -> dict[str, tuple[int, bytes]]:
    return {str(p): (p.stat().st_mtime_ns, p.read_bytes()) for p in sorted(root.rglob("*")) if p.is_file()}


class TestOutcome:
    def test_the_directory_holds_what_it_should_and_no_more(self, out: Path) -> None:
        done = run.execute(WANTED, out, dataset=tiny.dataset())
        assert {str(p.relative_to(out)) for p in out.rglob("*") if p.is_file()} == {
            "experiment.json",
            "log.jsonl",
            "checkpoint/state.safetensors",
            "ticket.tkt",
            "report.html",
            "result.json",
        }
        assert "<html" in done.directory.report.read_text()

    def test_the_result_has_every_promised_field(self, out: Path) -> None:
        result = tiny.execute(WANTED, out).result
        assert {k: result[k] for k in ("method", "data", "model", "seed", "kind", "maskable", "searched")} == {
            "method": "edge-popup",
            "data": "tiny",
            "model": "mlp:24",
            "seed": 0,
            "kind": "strong",
            "maskable": 480,
            "searched": 480,
        }
        assert (result["kept"], result["density"]) == (240, 0.5)
        assert result["ticket_bytes"] == (out / "ticket.tkt").stat().st_size
        assert 0 < result["entropy_bytes"] <= 60
        for scores in (result["accuracy"], result["loss"]):
            assert set(scores) == {"train", "val", "test"}
        assert all(0 <= accuracy <= 1 for accuracy in result["accuracy"].values())
        cost = result["cost"]
        assert {k: cost[k] for k in ("epochs", "steps", "evaluations", "examples_backward")} == {
            "epochs": 3,
            "steps": 3,
            "evaluations": 0,
            "examples_backward": 900,
        }
        assert cost["examples_forward"] == 900 + 4 * 100  # and four validations
        assert 0 < cost["seconds"] < 60
        assert cost["peak_rss_bytes"] > 10**7
        assert {"weights", "mask", "ticket"} <= set(result["digest"])
        assert all(len(digest) == 64 for digest in result["digest"].values())

    def test_the_log_has_one_line_a_step(self, out: Path) -> None:
        tiny.execute(WANTED, out)
        log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
        assert [(line["step"], line["epochs"]) for line in log] == [(1, 1), (2, 2), (3, 3)]
        assert all(0 <= line["val_accuracy"] <= 1 and line["val_loss"] > 0 and line["train_loss"] > 0 for line in log)
        assert {line["density"] for line in log} == {0.5}
        assert log[0]["seconds"] <= log[1]["seconds"] <= log[2]["seconds"]

    def test_the_log_numbers_steps_whose_loss_is_not_a_number(self, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("ticketry.core.task.Task.validate", lambda *_: (math.nan, 0.3))
        result = tiny.execute(WANTED, out).result
        log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
        assert [line["step"] for line in log] == [1, 2, 3]
        assert [line["val_loss"] for line in log] == [None] * 3
        assert result["chosen_step"] == 0

    def test_the_best_validated_step_is_kept_and_of_equals_the_first(
        self, out: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scores = iter([(2.0, 0.5), (1.0, 0.7), (0.9, 0.8), (0.9, 0.8)])
        monkeypatch.setattr("ticketry.core.task.Task.validate", lambda *_: next(scores))
        assert tiny.execute(WANTED, out).result["chosen_step"] == 2

    def test_the_record_is_the_whole_experiment(self, out: Path) -> None:
        wanted = replace(WANTED, lock=tiny.LOCK)
        tiny.execute(wanted, out)
        record = json.loads((out / "experiment.json").read_text())
        assert record["digest"] == wanted.digest
        assert record["method"]["learning_rate"] == EdgePopup().learning_rate
        assert record["budget"] == {"epochs": 3, "generations": 3, "evaluations": None, "seconds": None}
        assert {"ticketry", "torch", "python"} <= set(record["environment"])
        assert from_json(record) == replace(wanted, budget=wanted.budget.over(EdgePopup.budget))

    def test_the_ticket_is_the_mask_that_was_judged(self, out: Path) -> None:
        done = tiny.execute(replace(WANTED, lock=tiny.LOCK), out)
        ticket = file.load(done.directory.ticket)
        digests = file.digests(done.directory.ticket.read_bytes())
        assert {name: done.result["digest"][name] for name in digests} == digests
        assert int(ticket.mask.sum()) == done.result["kept"] == 240
        assert done.result["searched"] == 288
        assert all(check.ok for check in file.verify(ticket))
        again = tiny.execute(replace(WANTED, lock=tiny.LOCK), out.with_name("again"))
        assert again.directory.ticket.read_bytes() == done.directory.ticket.read_bytes()

    def test_seconds_end_a_search(self, out: Path) -> None:
        result = tiny.execute(replace(WANTED, budget=tk.Budget(seconds=1e-9)), out).result
        assert (result["chosen_step"], result["cost"]["steps"], result["kept"]) == (0, 0, 240)


class TestDirectory:
    def test_a_finished_run_is_returned_untouched(self, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        first = tiny.execute(WANTED, out)
        before = snapshot(out)
        monkeypatch.setattr(run, "problem_of_experiment", None)  # not even the data are loaded
        second = tiny.execute(WANTED, out)
        assert snapshot(out) == before
        assert second.result == first.result
        assert np.array_equal(second.ticket.content.mask, first.ticket.content.mask)

    @pytest.mark.parametrize(
        ("other", "field"),
        [
            (replace(WANTED, seed=1), "seed 0, not 1"),
            (replace(WANTED, val=0.3), "val 0.25, not 0.3"),
            (replace(WANTED, data="moons"), "data 'tiny', not 'moons'"),
            (replace(WANTED, model="mlp:25"), "model 'mlp:24', not 'mlp:25'"),
            (replace(WANTED, method=EdgePopup(batch=32, density=0.1)), "method.density 0.5, not 0.1"),
            (replace(WANTED, method=Random()), "method.name 'edge-popup', not 'random'"),
            (replace(WANTED, budget=tk.Budget(epochs=4, generations=3)), "budget.epochs 3, not 4"),
            (replace(WANTED, lock=Lock(off=0.1)), "lock.off 0.0, not 0.1"),
            (replace(WANTED, search=tk.Search(exclude=("fc2.*",))), "search.exclude"),
        ],
        ids=lambda value: value.split(",")[0] if isinstance(value, str) else "",
    )
    @pytest.mark.parametrize("finished", [True, False])
    def test_another_configuration_is_refused_by_the_field(
        self, out: Path, other: Experiment, field: str, finished: bool
    ) -> None:
        tiny.execute(WANTED, out)
        if not finished:
            (out / "result.json").unlink()
        before = snapshot(out)
        with pytest.raises(RequestError, match=r"^out is .*; name another directory, or delete that one\.$") as caught:
            tiny.execute(other, out)
        assert field in str(caught.value)
        assert snapshot(out) == before

    def test_other_data_of_the_same_name_are_refused(self, out: Path) -> None:
        tiny.execute(WANTED, out)
        (out / "result.json").unlink()
        before = snapshot(out)
        d = tiny.dataset()
        with pytest.raises(RequestError, match="data"):
            run.execute(WANTED, out, dataset=from_arrays("tiny", -d.x, d.y, -d.x_test, d.y_test))
        assert snapshot(out) == before

    @pytest.mark.parametrize(
        "content",
        [{"notes.txt": "mine"}, {"result.json": "{}"}, {"sub/a.txt": "mine"}],
        ids=lambda value: next(iter(value)),
    )
    def test_a_foreign_directory_is_refused(self, out: Path, content: dict[str, str]) -> None:
        for name, text in content.items():
            (out / name).parent.mkdir(parents=True)
            (out / name).write_text(text)
        before = snapshot(out)
        with pytest.raises(RequestError, match=r"out is .* but it must be a new or empty directory"):
            tiny.execute(WANTED, out)
        assert snapshot(out) == before

    def test_a_file_is_no_directory(self, out: Path) -> None:
        out.write_text("mine")
        with pytest.raises(RequestError, match=r"out is .* but it must be a directory"):
            tiny.execute(WANTED, out)
        assert out.read_text() == "mine"

    def test_an_empty_directory_will_do(self, out: Path) -> None:
        out.mkdir()
        assert tiny.execute(WANTED, out).result["kept"] == 240

    @pytest.mark.parametrize("parent", ["a file", "read-only"])
    def test_where_nothing_can_be_written_is_refused(self, tmp_path: Path, parent: str) -> None:
        above = tmp_path / "above"
        if parent == "a file":
            above.write_text("mine")
        else:
            above.mkdir(mode=0o500)
            if os.access(above, os.W_OK):
                pytest.skip("this user may write everywhere")
        with pytest.raises(RequestError, match=r"out is .*but it must be"):
            tiny.execute(WANTED, above / "run")

    @pytest.mark.parametrize("text", ["", "{", "[]", "3", "{}", '{"digest": "0"}', '"digest"'])
    def test_a_damaged_record_is_refused(self, out: Path, text: str) -> None:
        out.mkdir()
        (out / "experiment.json").write_text(text)
        with pytest.raises(RequestError, match="out is "):
            tiny.execute(WANTED, out)

    @pytest.mark.parametrize("damage", [lambda b: b"", lambda b: b[:50], lambda b: b[:-9], lambda b: b"x" + b[1:]])
    def test_a_damaged_checkpoint_is_refused(self, out: Path, damage: Callable[[bytes], bytes]) -> None:
        tiny.execute(WANTED, out)
        (out / "result.json").unlink()
        saved = out / "checkpoint" / "state.safetensors"
        saved.write_bytes(damage(saved.read_bytes()))
        with pytest.raises(RequestError, match=r"state\.safetensors is damaged .*delete it to start the run anew"):
            tiny.execute(WANTED, out)

    def test_a_checkpoint_of_another_run_is_refused(self, out: Path) -> None:
        other = out.with_name("other")
        tiny.execute(WANTED, out)
        tiny.execute(replace(WANTED, seed=1), other)
        (out / "result.json").unlink()
        (other / "checkpoint" / "state.safetensors").replace(out / "checkpoint" / "state.safetensors")
        with pytest.raises(RequestError, match="belongs to another experiment"):
            tiny.execute(WANTED, out)

    @pytest.mark.parametrize(
        "wanted",
        [
            replace(WANTED, method=EdgePopup(density=0.5), lock=Lock(off=0.6)),
            replace(WANTED, method=EdgePopup(density=0.01, floor=5)),
            replace(WANTED, model="resnet99"),
            replace(WANTED, search=tk.Search(include=("nothing",))),
        ],
        ids=["locks", "floor", "model", "search"],
    )
    def test_a_request_that_is_wrong_writes_nothing(self, out: Path, wanted: Experiment) -> None:
        with pytest.raises(RequestError):
            tiny.execute(wanted, out)
        assert not out.exists()


class TestInterruption:
    @pytest.fixture(autouse=True)
    def _often(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(job, "CHECKPOINT_EVERY", -1.0)

    def test_a_torn_line_of_the_log_is_dropped(self, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(checkpoint, "save", _raising(2))
        with suppress(Killed):
            tiny.execute(WANTED, out)
        monkeypatch.undo()
        with (out / "log.jsonl").open("a") as log:
            log.write('{"density":0.5,"epochs":3,"ev')
        tiny.execute(WANTED, out)
        assert [json.loads(line)["step"] for line in (out / "log.jsonl").read_text().splitlines()] == [1, 2, 3]

    def test_seconds_add_up_over_interruptions(self, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(checkpoint, "save", _raising(2))
        with suppress(Killed):
            tiny.execute(WANTED, out)
        monkeypatch.undo()
        path, kinds = out / "checkpoint/state.safetensors", {"meters": Meters}
        meters = checkpoint.load(path, WANTED.digest, kinds, torch.device("cpu"))["meters"]
        assert tiny.execute(WANTED, out).result["cost"]["seconds"] > meters.seconds > 0

    def test_interrupted_by_the_keyboard_it_goes_on(self, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        real = EdgePopup.step

        def interrupted(method: EdgePopup, task: Any, state: Any) -> Any:
            if state.epoch == 2:
                raise KeyboardInterrupt
            return real(method, task, state)

        monkeypatch.setattr(EdgePopup, "step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            tiny.execute(WANTED, out)
        monkeypatch.setattr(EdgePopup, "step", real)
        resumed = tiny.execute(WANTED, out)
        whole = tiny.execute(WANTED, out.with_name("whole"))
        assert resumed.directory.ticket.read_bytes() == whole.directory.ticket.read_bytes()

    def test_sigkill_at_random_moments_changes_no_byte(self, tmp_path: Path) -> None:
        d, path = tiny.dataset(), tmp_path / "data.npz"
        np.savez(path, X_train=d.x, y_train=d.y, X_test=d.x_test, y_test=d.y_test)
        wanted = Experiment(method=EdgePopup(batch=20), data=str(path), model="mlp:24", budget=tk.Budget(epochs=80))
        _kill_and_compare(wanted, tmp_path, kills=3, within=0.15)

    @pytest.mark.slow
    def test_sigkill_on_mnist(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        root = Path(os.environ.get("TICKETRY_DATA") or Path(__file__).parents[3] / "shared" / "data")
        if not (root / "mnist").is_dir():
            pytest.skip("MNIST is not here; set TICKETRY_DATA")
        monkeypatch.setenv("TICKETRY_DATA", str(root))
        wanted = Experiment(
            method=EdgePopup(density=0.05), data="mnist", model="lenet-300-100", budget=tk.Budget(epochs=4)
        )
        _kill_and_compare(wanted, tmp_path, kills=4, within=10.0)


def _raising(number: int) -> Callable[..., None]:
    """`checkpoint.save` that dies after its `number`-th call."""
    real, calls = checkpoint.save, [0]

    def save(*args: Any) -> None:
        real(*args)
        calls[0] += 1
        if calls[0] == number:
            raise Killed

    return save


SEARCHES = """
import json, os, pathlib, sys, torch
from ticketry.runs import find as run, job
from ticketry.experiment import from_json
torch.set_num_threads(1)
job.CHECKPOINT_EVERY = 0.02
wanted, out = from_json(json.loads(sys.argv[1])), pathlib.Path(sys.argv[2])
for _ in sys.stdin:
    process = os.fork()
    if process == 0:
        run.execute(wanted, out)
        os._exit(0)
    print(process, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
"""  # a process for each line of input, without importing torch anew for each


def _kill_and_compare(wanted: Experiment, tmp_path: Path, kills: int, within: float) -> None:
    """Kill a run at random moments in the `within` seconds after a step, `kills` times, then let it finish."""
    killed, log = tmp_path / "killed", tmp_path / "killed" / "log.jsonl"
    words = [sys.executable, "-c", SEARCHES, json.dumps(wanted.resolved), str(killed)]
    moments, codes = random.Random(0), []
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as searches:
        assert searches.stdin is not None
        assert searches.stdout is not None
        for number in range(kills + 1):
            lines = len(log.read_text().splitlines()) if log.exists() else 0
            print(file=searches.stdin, flush=True)
            process = int(searches.stdout.readline())
            if number < kills:
                until = time.monotonic() + 60
                while (len(log.read_text().splitlines()) if log.exists() else 0) <= lines and time.monotonic() < until:
                    time.sleep(0.002)
                time.sleep(moments.uniform(0, within))
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            codes.append(int(searches.stdout.readline()))
        searches.stdin.close()
    assert codes[0] == -signal.SIGKILL, "the search was too short to be killed"
    assert codes[-1] == 0
    whole = run.execute(wanted, tmp_path / "whole")
    assert (killed / "ticket.tkt").read_bytes() == whole.directory.ticket.read_bytes()
    assert len(log.read_text().splitlines()) == whole.result["cost"]["steps"]


OWN_MODELS = '''
import torch
from torch import nn


class Tied(nn.Module):
    """One matrix used twice, no bias."""

    def __init__(self, width):
        super().__init__()
        self.inner = nn.Linear(16, 16, bias=False)
        self.outer = nn.Linear(16, 16, bias=False)
        self.outer.weight = self.inner.weight
        self.head = nn.Linear(16, 4, bias=False)

    def forward(self, x):
        return self.head(self.outer(self.inner(x).relu()).relu())


class Residual(nn.Module):
    """A block with a shortcut, norms and a grouped convolution, on 16 numbers as a 4 x 4 image."""

    def __init__(self, affine, groups):
        super().__init__()
        self.stem = nn.Conv2d(1, 8, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(8, affine=affine)
        self.conv = nn.Conv2d(8, 8, 3, padding=1, groups=groups)
        self.again = nn.BatchNorm2d(8, affine=affine)
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        x = self.norm(self.stem(x.view(-1, 1, 4, 4))).relu()
        x = (x + self.again(self.conv(x))).relu()
        return self.head(x.mean((2, 3)))


def tied(width=16):
    return Tied(width)


def residual(affine=False, groups=1):
    return Residual(affine, groups)


def dropout(p=0.5):
    return nn.Sequential(nn.Linear(16, 24), nn.ReLU(), nn.Dropout(p), nn.Linear(24, 4))


def normed():
    return nn.Sequential(nn.Linear(16, 24, bias=False), nn.BatchNorm1d(24), nn.ReLU(), nn.Linear(24, 4))


def table():
    """Vectors that no recipe draws."""
    return nn.Sequential(nn.Linear(16, 24), nn.LayerNorm(24), nn.PReLU(24), nn.Linear(24, 4))


class WritesIntoItsInput(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(16, 4)

    def forward(self, x):
        return self.head(x.mul_(-2).add_(1))


def inplace():
    return WritesIntoItsInput()


def attention():
    """Parameters outside the mask that are matrices, and are drawn."""
    layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
    return nn.Sequential(nn.Unflatten(1, (4, 4)), layer, nn.Flatten(), nn.Linear(16, 4))


def lazy():
    return nn.Sequential(nn.LazyLinear(24), nn.ReLU(), nn.Linear(24, 4))


class Spaced(nn.Module):
    """A parameter whose name a ticket file cannot hold."""

    def __init__(self):
        super().__init__()
        self.add_module("the head", nn.Linear(16, 4))

    def forward(self, x):
        return getattr(self, "the head")(x)


def spaced():
    return Spaced()
'''


class TestModels:
    @pytest.fixture(autouse=True)
    def _own_models(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        (tmp_path / "own_models.py").write_text(OWN_MODELS)
        monkeypatch.chdir(tmp_path)
        yield
        sys.modules.pop("own_models", None)

    @pytest.mark.parametrize(
        "model",
        [
            "mlp:24",
            'mlp:24(norm="batch-plain")',
            'mlp:24(norm="batch")',
            "mlp:24(bias=False)",
            "mlp",
            "own_models:tied",
            "own_models:residual",
            "own_models:residual(affine=True, groups=4)",
            "own_models:dropout(p=0.9)",
            "own_models:normed",
            "own_models:table",
            "own_models:inplace",
            "own_models:attention",
            "own_models:lazy",
        ],
    )
    @pytest.mark.parametrize(("lock", "weights"), [(Lock(), "signed-constant"), (tiny.LOCK, "torch-default")])
    def test_the_module_in_the_file_is_the_network_that_was_judged(
        self, out: Path, model: str, lock: Lock, weights: Any
    ) -> None:
        before = torch.get_rng_state()
        wanted = replace(WANTED, model=model, lock=lock, method=EdgePopup(batch=75, weights=weights))
        done = tiny.execute(wanted, out)
        ticket = tk.load(done.directory.ticket)
        module = ticket.module(trust=("own_models",))
        d = tiny.dataset()
        x, y = ticket.preprocess(d.x_test), torch.from_numpy(d.y_test)
        assert torch.equal(torch.get_rng_state(), before)
        logits = module(x.clone())
        assert not module.training
        assert int((logits.argmax(1) == y).sum()) / len(y) == done.result["accuracy"]["test"]
        loss = torch.nn.functional.cross_entropy(logits, y).item()
        assert loss == pytest.approx(done.result["loss"]["test"], rel=1e-4)
        kept = sum(int(mask.sum()) for mask in tk.load(done.directory.ticket).mask().values())
        assert kept == done.result["kept"] == round(done.result["maskable"] / 2)

    def test_a_model_that_writes_into_its_input_leaves_the_data_alone(self, out: Path) -> None:
        wanted = replace(WANTED, model="own_models:inplace")
        task = run.problem_of_experiment(wanted, tiny.dataset(), trust=Trust(("own_models",))).task
        mask = torch.ones(task.space.size, dtype=torch.bool)
        assert task.validate(mask) == task.validate(mask)
        assert tiny.same(task.fitness(mask[None]).loss, task.fitness(mask[None]).loss)

    def test_a_name_that_no_file_can_hold_is_refused_before_the_search(self, out: Path) -> None:
        with pytest.raises(RequestError, match="the head"):
            tiny.execute(replace(WANTED, model="own_models:spaced"), out)
        assert not out.exists()

    def test_a_tied_weight_is_counted_and_searched_once(self, out: Path) -> None:
        result = tiny.execute(replace(WANTED, model="own_models:tied"), out).result
        assert result["maskable"] == 16 * 16 + 16 * 4

    def test_other_parameters_can_be_searched_by_name(self, out: Path) -> None:
        wanted = replace(WANTED, search=tk.Search(include=("fc1.*",)), method=Random())
        assert tiny.execute(wanted, out).result["maskable"] == 16 * 24 + 24

    @pytest.mark.parametrize("n", [161, 257 + 40])
    def test_a_last_batch_of_one_does_not_stop_a_network_with_norms(self, out: Path, n: int) -> None:
        """161 x 0.8 = 129 = 128 + 1; 297 - 40 = 257 = 256 + 1."""
        d = tiny.dataset()
        data = from_arrays("tiny", d.x[:n], d.y[:n], d.x_test, d.y_test)
        val = 0.2 if n == 161 else 40 / 297
        wanted = replace(WANTED, model='mlp:24(norm="batch")', method=EdgePopup(batch=128), val=val)
        assert math.isfinite(run.execute(wanted, out, dataset=data).result["loss"]["test"])

    def test_the_interface_of_the_readme(self, out: Path) -> None:
        found = tk.find(
            tk.methods.EdgePopup(density=0.1),
            data="digits",
            model="mlp:20",
            seed=0,
            out=out,
            budget=tk.Budget(epochs=2),
        )
        module = tk.load(out / "ticket.tkt").module()
        from ticketry.data import load

        d = load("digits")
        right = (module(torch.from_numpy(d.x_test)).argmax(1) == torch.from_numpy(d.y_test)).double().mean().item()
        assert right == pytest.approx(found.result["accuracy"]["test"], abs=1e-12)
        assert found.result["digest"]["ticket"] == file.digests((out / "ticket.tkt").read_bytes())["ticket"]


class TestRequests:
    """Wrong arguments from Python are refused as politely as wrong flags."""

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"method": "edge-popup"}, "method"),
            ({"method": EdgePopup}, "method"),
            ({"data": (1, 2, 3)}, "data"),
            ({"model": 3}, "model"),
            ({"out": None}, "out"),
            ({"seed": 1.5}, "seed"),
            ({"val": "0.1"}, "val"),
            ({"budget": 2}, "budget"),
            ({"lock": {"off": 0.5}}, "lock"),
        ],
    )
    def test_the_argument_is_named(self, out: Path, wrong: dict[str, Any], field: str) -> None:
        arguments = {"method": EdgePopup(), "data": "digits", "model": "mlp:8", "out": out} | wrong
        with pytest.raises(RequestError, match=f"^{field} is "):
            tk.find(**arguments)
        assert not out.exists()

    def test_a_pattern_is_not_its_letters(self) -> None:
        with pytest.raises(RequestError, match=r"^search.include is 'fc\*'"):
            tk.Search(include="fc*")  # type: ignore[arg-type]

    def test_a_numpy_seed_is_a_seed(self, out: Path) -> None:
        settings: dict[str, Any] = {"data": tiny.dataset(), "model": "mlp:8", "budget": tk.Budget(epochs=1)}
        run_of = [
            tk.find(EdgePopup(), seed=seed, out=out / str(i), **settings) for i, seed in enumerate((3, np.int64(3)))
        ]
        assert run_of[0].result["digest"] == run_of[1].result["digest"]


class TestFinished:
    @pytest.mark.parametrize("damage", ["gone", "junk", "result"])
    def test_what_is_incomplete_is_said_and_can_be_written_anew(self, out: Path, damage: str) -> None:
        tiny.execute(WANTED, out)
        ticket, whole = out / "ticket.tkt", (out / "ticket.tkt").read_bytes()
        if damage == "gone":
            ticket.unlink()
        elif damage == "junk":
            ticket.write_bytes(b"junk")
        else:
            (out / "result.json").write_text("{")
        with pytest.raises(RequestError, match=r"delete .*result.json"):
            tiny.execute(WANTED, out)
        (out / "result.json").unlink()
        tiny.execute(WANTED, out)
        assert ticket.read_bytes() == whole
