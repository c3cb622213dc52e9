"""What all tests share: one thread, `tests` as a package, the rules for markers, and one finished run."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)
os.environ.setdefault("OMP_NUM_THREADS", "1")  # for the processes that tests start
sys.path.insert(0, str(Path(__file__).parents[1]))  # so that tests may import `tests.laws`


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests marked slow run only where -m asks for them, those marked cuda only where there is a device."""
    for item in items:
        if item.get_closest_marker("slow") and "slow" not in config.getoption("-m"):
            item.add_marker(pytest.mark.skip(reason="takes minutes; run with -m slow"))
        if item.get_closest_marker("cuda") and not torch.cuda.is_available():
            item.add_marker(pytest.mark.skip(reason="no CUDA device"))


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a finished run, to be read and not to be changed."""
    from ticketry.experiment import Experiment
    from ticketry.methods.edge_popup import EdgePopup
    from ticketry.runs.find import execute

    wanted = Experiment(method=EdgePopup(batch=32), data="moons(train=300, test=200)", model="mlp:12")
    out = tmp_path_factory.mktemp("finished") / "run"
    execute(wanted, out)
    return out


@pytest.fixture
def real_data(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of the published files, or a skip."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    root = Path(os.environ.get("TICKETRY_DATA") or beside)
    if not (root / "mnist").is_dir():
        pytest.skip("the published data sets are not here; set TICKETRY_DATA")
    monkeypatch.setenv("TICKETRY_DATA", str(root))
    return root
