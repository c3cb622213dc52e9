"""Wrong requests and interruptions through the command line, as a user meets them."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from ticketry.cli.main import main
from ticketry.runs import checkpoint, job
from ticketry.ticket import container

DATA = ("--data", "moons(train=200, test=100)")
MODEL = ("--model", "mlp:8")
QUICK = ("--budget.epochs", "1", "--quiet")

OWN = """
import numpy as np
from torch import nn

x = np.linspace(-1, 1, 120, dtype=np.float32).reshape(60, 2)
y = np.arange(60) % 3


def good():
    return x, y, x[:30], y[:30]


def with_nan():
    bad = x.copy()
    bad[7, 1] = np.nan
    return bad, y


def with_infinity():
    return x * np.float32(np.inf), y


def labels_from_one():
    return x, y + 1


def labels_with_a_gap():
    return x, np.where(y == 1, 5, y)


def negative_labels():
    return x, y - 1


def labels_as_text():
    return x, np.array(["a", "b", "c"] * 20)


def one_class():
    return x, y * 0


def too_short():
    return x, y[:59]


def integers():
    return (x * 100).astype(np.int32), y


def three_arrays():
    return x, y, x


def raises():
    return {}["absent"]


def with_argument(n):
    return x[:n], y[:n]


def network():
    return nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 3))


def no_weight():
    return nn.Sequential(nn.Flatten(), nn.ReLU())


def only_norms():
    return nn.Sequential(nn.BatchNorm1d(2), nn.Embedding(2, 2), nn.Flatten(0))


def no_maskable_weight():
    class Scale(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.LayerNorm(2)

        def forward(self, x):
            return self.norm(x).repeat(1, 2)[:, :3]

    return Scale()


def two_outputs():
    return nn.Linear(2, 2)


def wide_input():
    return nn.Linear(5, 3)


def no_module():
    return 3


def fails():
    raise RuntimeError("no such\\nlayer")


value = 3
"""


@pytest.fixture(autouse=True)
def _own_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "own.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TICKETRY_DATA", str(tmp_path / "nowhere"))
    yield
    sys.modules.pop("own", None)


class Refuse:
    """Runs a command line that must be refused, and checks how."""

    def __init__(self, capsys: pytest.CaptureFixture[str], out: Path) -> None:
        self._capsys, self.out = capsys, out

    def __call__(self, *words: str, says: str | tuple[str, ...], code: int = 2, output: bool = False) -> str:
        assert main(words) == code
        printed, error = self._capsys.readouterr()
        assert error.startswith("ticketry: ")
        assert error.count("\n") == 1, error
        assert error.endswith((".\n", "?\n")), error
        assert not re.search(r"[.!?] +[A-Z]", error), f"more than one sentence: {error}"
        assert "Traceback" not in error
        for text in (says,) if isinstance(says, str) else says:
            assert text in error, error
        assert output or printed == ""
        return error

    def find(self, *words: str, says: str | tuple[str, ...], method: str = "edge-popup") -> str:
        """As above, and nothing may be written. Later flags take the place of earlier ones."""
        flags = {"--data": DATA[1], "--model": MODEL[1], "--out": str(self.out), "--budget.epochs": "1"}
        flags |= dict(zip(words[::2], words[1::2], strict=True))
        error = self("find", method, *(word for pair in flags.items() for word in pair), "--quiet", says=says)
        assert not self.out.exists()
        assert sorted(path.name for path in self.out.parent.iterdir() if path.name != "__pycache__") == ["own.py"]
        return error


@pytest.fixture
def refuse(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Refuse:
    return Refuse(capsys, tmp_path / "run")


class TestNames:
    def test_an_unknown_verb(self, refuse: Refuse) -> None:
        refuse("fnd", says=("verb is 'fnd'", "did you mean find?"))

    def test_no_method(self, refuse: Refuse) -> None:
        refuse("find", says="needs a method", output=True)
        refuse("find", "--density", "0.5", says="needs a method", output=True)

    @pytest.mark.parametrize("name", ["edge-pop", "edge_popup", "EdgePopup"])
    def test_an_unknown_method(self, refuse: Refuse, name: str) -> None:
        refuse.find(method=name, says=(f"method is '{name}'", "did you mean edge-popup?"))

    def test_an_unknown_data_set(self, refuse: Refuse) -> None:
        refuse.find("--data", "mnst", says=("data is 'mnst'", "did you mean mnist?", "circles"))

    def test_an_unknown_model(self, refuse: Refuse) -> None:
        refuse.find("--model", "lenet-300", says=("model is 'lenet-300'", "did you mean lenet-300-100?", "conv2"))

    def test_data_that_are_absent_and_cannot_be_fetched(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def offline(*args: object, **kwargs: object) -> None:
            raise OSError("no network")

        monkeypatch.setattr("urllib.request.urlopen", offline)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "nowhere"))
        monkeypatch.setenv("HOME", str(tmp_path / "nowhere"))
        assert main(["find", "edge-popup", "--data", "mnist", *MODEL, *QUICK, "--out", "run"]) == 2
        *tries, sentence = capsys.readouterr().err.splitlines()
        assert all(line.startswith("downloading mnist from ") for line in tries)
        assert sentence.startswith("ticketry: data is 'mnist'")
        assert "train-images-idx3-ubyte" in sentence
        assert "TICKETRY_DATA" in sentence
        assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["own.py"]

    @pytest.mark.parametrize("device", ["tpu", "gpu0", "cuda:x", "mps", "meta"])
    def test_an_unknown_device(self, refuse: Refuse, device: str) -> None:
        refuse.find("--device", device, says=("device is", device, "cpu, cuda or cuda:N"))

    @pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
    def test_a_device_that_is_not_here(self, refuse: Refuse) -> None:
        refuse.find("--device", "cuda", says=("device is cuda", "no CUDA device was found"))


class TestNumbers:
    @pytest.mark.parametrize("method", ["edge-popup", "random", "magnitude"])
    @pytest.mark.parametrize("density", ["0", "-0.1", "1.5", "nan", "inf"])
    def test_a_density_outside_its_range(self, refuse: Refuse, method: str, density: str) -> None:
        says = ("density is", "a fraction in (0, 1]")
        refuse.find("--density", density, method=method, says=says)

    @pytest.mark.parametrize("method", ["edge-popup", "magnitude"])
    def test_a_density_that_the_floor_makes_unreachable(self, refuse: Refuse, method: str) -> None:
        refuse.find(
            "--density", "0.1", "--floor", "4", method=method, says=("floor is 4", "8 weights in 2 layers", "3")
        )

    @pytest.mark.parametrize(
        ("flag", "value"),
        [
            ("start", "1.5"),
            ("start", "nan"),
            ("until", "0"),
            ("power", "0.5"),
            ("floor", "-1"),
            ("learning-rate", "0"),
            ("learning-rate", "nan"),
            ("learning-rate", "inf"),
            ("momentum", "1"),
            ("weight-decay", "-1"),
            ("weight-decay", "inf"),
            ("batch", "0"),
        ],
    )
    def test_every_field_of_edge_popup(self, refuse: Refuse, flag: str, value: str) -> None:
        refuse.find(f"--{flag}", value, says=f"{flag.replace('-', '_')} is ")

    def test_the_floor_of_magnitude(self, refuse: Refuse) -> None:
        refuse.find("--floor", "-1", method="magnitude", says="floor is -1")

    @pytest.mark.parametrize(
        ("flag", "value", "says"),
        [
            ("--seed", "-1", "seed is -1"),
            ("--seed", str(2**63), f"seed is {2**63}"),
            ("--val", "0", "val is 0"),
            ("--val", "1", "val is 1"),
            ("--val", "0.0001", "val is 0.0001"),
            ("--val", "0.9999", "val is 0.9999"),
            ("--val", "nan", "val is nan"),
            ("--budget.epochs", "0", "budget.epochs is 0"),
            ("--budget.generations", "-1", "budget.generations is -1"),
            ("--budget.evaluations", "0", "budget.evaluations is 0"),
            ("--budget.seconds", "0", "budget.seconds is 0"),
            ("--budget.seconds", "nan", "budget.seconds is nan"),
            ("--lock.off", "1", "lock.off is 1"),
            ("--lock.off", "nan", "lock.off is nan"),
            ("--lock.on", "-0.1", "lock.on is -0.1"),
            ("--search.include", "fc9.*", "search.include is 'fc9.*'"),
            ("--search.exclude", "fc9.*", "search.exclude is 'fc9.*'"),
        ],
    )
    def test_every_common_field(self, refuse: Refuse, flag: str, value: str, says: str) -> None:
        refuse.find(flag, value, says=says)

    def test_locks_that_lock_everything(self, refuse: Refuse) -> None:
        refuse.find("--lock.off", "0.6", "--lock.on", "0.4", says=("lock.off + lock.on is 1", "below 1"))

    @pytest.mark.parametrize(("off", "on", "density"), [("0.8", "0.1", "0.5"), ("0.2", "0.6", "0.4")])
    @pytest.mark.parametrize("method", ["edge-popup", "random", "magnitude"])
    def test_locks_that_leave_nothing_to_search(
        self, refuse: Refuse, method: str, off: str, on: str, density: str
    ) -> None:
        numbers = (f"density is {density}", f"lock.off {off}", f"lock.on {on}", "off must be at most 1 - density")
        locks = ("--lock.off", off, "--lock.on", on)
        refuse.find("--model", "mlp:10", "--density", density, *locks, method=method, says=numbers)  # 40 weights


class TestData:
    @pytest.mark.parametrize(
        ("name", "says"),
        [
            ("with_nan", ("nan at index (7, 1)", "finite")),
            ("with_infinity", ("inf at index", "finite")),
            ("labels_from_one", ("class 0", "number the classes")),
            ("labels_with_a_gap", ("class 1", "number the classes")),
            ("negative_labels", ("-1 at index 0", "whole numbers 0..C-1")),
            ("labels_as_text", ("'a'", "whole numbers 0..C-1")),
            ("one_class", "at least two classes"),
            ("too_short", ("60 inputs with 59 labels",)),
            ("integers", ("int32", "uint8")),
            ("three_arrays", "(X, y) or (X_train, y_train, X_test, y_test)"),
            ("raises", ("KeyError", "own.py")),
            ("with_argument", ("with_argument", "'n'")),
            ("with_argument(3)", "3 examples"),
            ("with_argument(n=open)", "literal arguments"),
            ("absent", ("has no absent",)),
            ("value", ("a int", "a function")),
        ],
    )
    def test_what_an_own_function_may_get_wrong(self, refuse: Refuse, name: str, says: str | tuple[str, ...]) -> None:
        says = (says,) if isinstance(says, str) else says
        refuse.find("--data", f"own:{name}", "--model", "own:network", says=("data", *says))

    def test_a_module_that_is_not_there(self, refuse: Refuse) -> None:
        refuse.find("--data", "absent_module:f", says=("data is 'absent_module:f'", "was not found"))

    def test_a_file_that_is_not_there(self, refuse: Refuse) -> None:
        refuse.find("--data", "absent.npz", says=("data", "absent.npz"))

    def test_an_archive_with_nan(self, refuse: Refuse, tmp_path_factory: pytest.TempPathFactory) -> None:
        path = tmp_path_factory.mktemp("data") / "d.npz"
        x = np.ones((20, 2), np.float32)
        x[3, 0] = np.nan
        np.savez(path, X=x, y=np.arange(20) % 2)
        refuse.find("--data", str(path), says=("nan at index (3, 0)", "finite"))

    def test_a_file_that_is_no_archive(self, refuse: Refuse, tmp_path_factory: pytest.TempPathFactory) -> None:
        path = tmp_path_factory.mktemp("data") / "d.npz"
        path.write_bytes(b"not a zip file")
        refuse.find("--data", str(path), says="d.npz")


class TestModel:
    @pytest.mark.parametrize(
        ("model", "says"),
        [
            ("own:no_weight", ("model", "shape")),
            ("own:no_maskable_weight", ("model is Scale", "a weight of a Linear, Conv, recurrent or attention layer")),
            ("own:only_norms", "model"),
            ("own:two_outputs", ("(3, 2)", "3 classes")),
            ("own:wide_input", ("shape (2,)", "RuntimeError")),
            ("own:no_module", ("returned a int", "nn.Module")),
            ("own:fails", ("RuntimeError: no such layer", "own.py")),
            ("own:absent", "has no absent"),
            ("mlp:0", "mlp:20 or mlp:50,50"),
            ("mlp:8,", "mlp:20 or mlp:50,50"),
            ("mlp:a", "mlp:a"),
            ("mlp:8(norm='layer')", "norm is 'layer'"),
            ("mlp:8(depth=3)", "depth"),
            ("mlp:8(", "mlp:8("),
            ("conv4", ("conv4", "(2,)")),
            ("resnet20", ("resnet20", "(2,)")),
        ],
    )
    def test_what_may_be_wrong_with_a_model(self, refuse: Refuse, model: str, says: str | tuple[str, ...]) -> None:
        refuse.find("--data", "own:good", "--model", model, says=says)


class TestOut:
    def test_a_foreign_directory(self, refuse: Refuse, tmp_path: Path) -> None:
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "notes.txt").write_text("mine")
        words = ("find", "edge-popup", *DATA, *MODEL, *QUICK, "--out", "mine")
        refuse(*words, says=("out is mine", "a new or empty directory"))
        assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]

    def test_a_file(self, refuse: Refuse, tmp_path: Path) -> None:
        (tmp_path / "mine").write_text("mine")
        refuse("find", "edge-popup", *DATA, *MODEL, *QUICK, "--out", "mine", says=("out is mine", "a directory"))
        refuse("find", "edge-popup", *DATA, *MODEL, *QUICK, "--out", "mine/run", says=("out is mine/run",))
        assert (tmp_path / "mine").read_text() == "mine"

    def test_another_configuration(self, refuse: Refuse, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        words = ("find", "edge-popup", *DATA, *MODEL, *QUICK, "--out", "run")
        assert main(words) == 0
        ticket = (tmp_path / "run" / "ticket.tkt").read_bytes()
        assert main(words) == 0
        capsys.readouterr()
        refuse(*words, "--density", "0.3", says=("out is run", "method.density 0.5, not 0.3", "name another directory"))
        assert (tmp_path / "run" / "ticket.tkt").read_bytes() == ticket


class TestFlags:
    @pytest.mark.parametrize(
        ("words", "says"),
        [
            (["--densty", "0.1"], "--density"),
            (["--density", "much"], "much"),
            (["--scope", "planet"], "planet"),
            (["--weights", "zeros"], "zeros"),
            (["--lock.budget", "even"], "even"),
            (["--seed", "1.5"], "1.5"),
            (["--floor", "0.5"], "0.5"),
            (["extra"], "extra"),
        ],
    )
    def test_a_wrong_flag(
        self, words: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as stop:
            main(["find", "edge-popup", *DATA, *MODEL, *QUICK, "--out", "run", *words])
        assert stop.value.code == 2
        printed, error = capsys.readouterr()
        assert says in error
        assert "Traceback" not in error
        assert printed == ""
        assert not (tmp_path / "run").exists()

    @pytest.mark.parametrize("missing", ["--data", "--model", "--out"])
    def test_a_missing_flag(self, missing: str, capsys: pytest.CaptureFixture[str]) -> None:
        words = [*DATA, *MODEL, "--out", "run"]
        at = words.index(missing)
        with pytest.raises(SystemExit) as stop:
            main(["find", "edge-popup", *words[:at], *words[at + 2 :]])
        assert stop.value.code == 2
        assert missing in capsys.readouterr().err

    def test_a_flag_of_another_method(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as stop:
            main(["find", "random", *DATA, *MODEL, "--out", "run", "--learning-rate", "0.1"])
        assert stop.value.code == 2
        assert "--learning-rate" in capsys.readouterr().err


class TestInterruption:
    def test_the_same_command_goes_on(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        words = ["find", "edge-popup", *DATA, *MODEL, "--budget.epochs", "4", "--quiet", "--out"]
        assert main([*words, "whole"]) == 0
        real, calls = checkpoint.save, []

        def interrupted(*args: object) -> None:
            real(*args)  # type: ignore[arg-type]
            calls.append(args)
            if len(calls) == 2:
                raise KeyboardInterrupt

        monkeypatch.setattr(job, "CHECKPOINT_EVERY", -1.0)
        with monkeypatch.context() as patched:
            patched.setattr(checkpoint, "save", interrupted)
            assert main([*words, "run"]) == 130
        error = capsys.readouterr().err
        assert "safe" in error
        assert error.count("\n") == 1
        assert not (tmp_path / "run" / "result.json").exists()
        assert main([*words, "run"]) == 0
        assert (tmp_path / "run" / "ticket.tkt").read_bytes() == (tmp_path / "whole" / "ticket.tkt").read_bytes()
        assert len((tmp_path / "run" / "log.jsonl").read_text().splitlines()) == 4


class TestOwnDataAndModel:
    @pytest.mark.parametrize("model", ["conv2(width=0.1)", "mlp:12(norm='batch')", "resnet20(width=0.1)"])
    def test_what_is_found_is_what_is_evaluated(
        self, tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        draw = np.random.default_rng(0)
        y = np.arange(90) % 3
        images = draw.integers(0, 100, (90, 8, 8)) + 70 * y[:, None, None] * (np.arange(8) < 4)
        np.savez(tmp_path / "d.npz", X=images.clip(0, 255).astype(np.uint8), y=y)
        words = ["find", "edge-popup", "--data", "d.npz", "--model", model, "--budget.epochs", "2", "--batch", "24"]
        locks = ["--lock.off", "0.2", "--lock.on", "0.1", "--lock.budget", "igq"]
        assert main([*words, *locks, "--out", "run"]) == 0
        assert "accuracy" in capsys.readouterr().out
        assert main(["verify", "run/ticket.tkt"]) == 0
        capsys.readouterr()
        result = json.loads((tmp_path / "run" / "result.json").read_text())
        assert main(["eval", "run/ticket.tkt", "--data", "d.npz", "--json"]) == 0
        scored = json.loads(capsys.readouterr().out)
        assert scored["accuracy"] == result["accuracy"]["test"]
        assert scored["loss"] == pytest.approx(result["loss"]["test"], rel=1e-4)
        assert main(["eval", "run/ticket.tkt", "--data", "d.npz", "--split", "all"]) == 0
        assert "on 90 examples" in capsys.readouterr().out

    def test_an_own_model_and_data_by_import_path(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        words = ["find", "edge-popup", "--data", "own:good", "--model", "own:network", *QUICK, "--out", "run"]
        assert main(words) == 0
        assert main(["eval", "run/ticket.tkt", "--data", "own:good", "--trust", "own", "--json"]) == 0
        result = json.loads((tmp_path / "run" / "result.json").read_text())
        assert json.loads(capsys.readouterr().out)["accuracy"] == result["accuracy"]["test"]


def resealed(data: bytes) -> bytes:
    return data[: -container.SEAL] + hashlib.sha256(data[: -container.SEAL]).digest()


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "eight bytes": lambda data: data[:8],
    "truncated": lambda data: data[: len(data) // 2],
    "one byte short": lambda data: data[:-1],
    "one byte long": lambda data: data + b"\0",
    "twice": lambda data: data + data,
    "no ticket": lambda data: b"PK" + bytes(1000),
    "first bit": lambda data: bytes([data[0] ^ 1]) + data[1:],
    "a bit of the header": lambda data: data[:100] + bytes([data[100] ^ 4]) + data[101:],
    "a bit of the mask": lambda data: data[:-40] + bytes([data[-40] ^ 128]) + data[-39:],
    "a bit of the digest": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    "a sealed bit of the mask": lambda data: resealed(data[:-40] + bytes([data[-40] ^ 128]) + data[-39:]),
    "a sealed bit of the weights' digest": lambda data: resealed(flipped_after_header(data)),
    "version 9": lambda data: resealed(data.replace(rb"\"version\":1", rb"\"version\":9")),
    "a long header": lambda data: resealed((2**62).to_bytes(8, "little") + data[8:]),
    "a huge layer": lambda data: resealed(data.replace(rb"\"fc1.weight\",12,2", rb"\"fc1.weight\",99,9")),
    "huge layers": lambda data: repacked(data, rb"\"fc1.weight\",12,2", rb"\"fc1.weight\",2147483647,2147483647"),
}


def flipped_after_header(data: bytes) -> bytes:
    at = 8 + int.from_bytes(data[:8], "little") + 3
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def repacked(data: bytes, old: bytes, new: bytes) -> bytes:
    """Replace text in the header, pad it to eight again and seal the file."""
    length = int.from_bytes(data[:8], "little")
    head = data[8 : 8 + length].rstrip()
    assert old in head
    head = head.replace(old, new)
    head += b" " * (-len(head) % 8)
    return resealed(len(head).to_bytes(8, "little") + head + data[8 + length :])


class TestTickets:
    @pytest.fixture
    def ticket(self, finished: Path, tmp_path: Path) -> Path:
        return Path(shutil.copy(finished / "ticket.tkt", tmp_path / "a.tkt"))

    @pytest.mark.parametrize("damage", DAMAGE)
    def test_a_damaged_ticket(self, refuse: Refuse, ticket: Path, damage: str) -> None:
        whole = ticket.read_bytes()
        ticket.write_bytes(DAMAGE[damage](whole))
        assert ticket.read_bytes() != whole
        version = "version 9" if damage == "version 9" else ""
        if damage != "a sealed bit of the weights' digest":  # what only drawing the weights can tell
            refuse("eval", "a.tkt", *DATA, says=("a.tkt", version))
            if damage != "a sealed bit of the mask":  # what only decoding can tell
                refuse("show", "a.tkt", says=("a.tkt", version))
                refuse("show", "a.tkt", "--json", says=("a.tkt", version))
            refuse("verify", "a.tkt", says=("a.tkt", version), code=1)
        assert main(["verify", "a.tkt", "--digest"]) == 1

    def test_no_bit_of_a_file_may_flip(self, ticket: Path, capsys: pytest.CaptureFixture[str]) -> None:
        whole = ticket.read_bytes()
        for at in range(0, 8 * len(whole), 61):
            flipped = bytearray(whole)
            flipped[at // 8] ^= 1 << at % 8
            ticket.write_bytes(flipped)
            assert main(["verify", "a.tkt", "--digest"]) == 1, f"bit {at}"
            assert capsys.readouterr().err.count("\n") == 1

    @pytest.mark.parametrize("verb", ["show", "verify", "eval"])
    @pytest.mark.parametrize("name", ["absent.tkt", "folder"])
    def test_a_file_that_is_not_there(self, refuse: Refuse, tmp_path: Path, verb: str, name: str) -> None:
        (tmp_path / "folder").mkdir()
        refuse(verb, name, *(DATA if verb == "eval" else ()), says=("ticket is", name))

    def test_a_whole_ticket(self, ticket: Path, finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["verify", "a.tkt"]) == main(["verify", "a.tkt", "--digest"]) == main(["show", "a.tkt"]) == 0
        capsys.readouterr()
        result = json.loads((finished / "result.json").read_text())
        assert main(["eval", "a.tkt", "--data", "moons(train=300, test=200)", "--json"]) == 0
        scored = json.loads(capsys.readouterr().out)
        assert (scored["accuracy"], scored["examples"]) == (result["accuracy"]["test"], 200)
        assert main(["show", "a.tkt", "--json"]) == 0
        shown = json.loads(capsys.readouterr().out)
        assert shown["kept"] == result["kept"]

    @pytest.mark.parametrize("data", ["digits", "blobs(classes=2)", "own:good", "nothing"])
    def test_data_of_another_kind(self, refuse: Refuse, ticket: Path, data: str) -> None:
        if data == "blobs(classes=2)":  # two features, two classes: the same kind
            assert main(["eval", "a.tkt", "--data", data]) == 0
        else:
            refuse("eval", "a.tkt", "--data", data, says=("data ", " is "))

    @pytest.mark.parametrize("device", ["tpu", *([] if torch.cuda.is_available() else ["cuda"])])
    def test_another_device(self, refuse: Refuse, ticket: Path, device: str) -> None:
        refuse("eval", "a.tkt", *DATA, "--device", device, says=("device is", device))

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            (("8), nn.ReLU(), nn.Linear(8", "9), nn.ReLU(), nn.Linear(9"), "0.weight"),
            (("nn.Linear(8, 3))\n", "nn.Linear(8, 4))\n"), "own:network"),
            (("nn.Sequential(nn.Linear(2, 8)", "nn.Sequential(nn.Identity(), nn.Linear(2, 8)"), "0.weight"),
            (("def network", "def other"), "has no network"),
            (("nn.Linear(8, 3))\n", "nn.Linear(8, 3), nn.Linear(3, 3))\n"), "3.weight"),
            (("nn.Linear(8, 3))\n", "nn.Linear(8, 3), nn.BatchNorm1d(3))\n"), "3."),
        ],
        ids=["shape", "classes", "name", "gone", "another layer", "another norm"],
    )
    def test_a_ticket_for_another_model(
        self, refuse: Refuse, tmp_path: Path, change: tuple[str, str], says: str
    ) -> None:
        words = ("find", "random", "--data", "own:good", "--model", "own:network", "--quiet", "--out", "run")
        assert main(words) == 0
        assert main(["verify", "run/ticket.tkt", "--trust", "own"]) == 0
        refuse._capsys.readouterr()
        code = (tmp_path / "own.py").read_text()
        assert change[0] in code
        (tmp_path / "own.py").write_text(code.replace(*change))
        shutil.rmtree(tmp_path / "__pycache__", ignore_errors=True)
        del sys.modules["own"]
        gone = says == "has no network"  # then the request is wrong, and the file may be right
        refuse("verify", "run/ticket.tkt", "--trust", "own", says=says, code=2 if gone else 1)
        refuse("eval", "run/ticket.tkt", "--data", "own:good", "--trust", "own", says=says)
