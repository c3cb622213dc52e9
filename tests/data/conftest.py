from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture
def real_data(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of the published files, or a skip."""
    beside = Path(__file__).parents[3] / "shared" / "data"
    root = Path(os.environ.get("TICKETRY_DATA") or beside)
    if not (root / "mnist").is_dir():
        pytest.skip("the published data sets are not here; set TICKETRY_DATA")
    monkeypatch.setenv("TICKETRY_DATA", str(root))
    return root
