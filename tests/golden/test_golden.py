"""What data-free methods choose must not change by accident."""

from __future__ import annotations

import json

from tests.golden.record import RECORD, answers


def test_masks_are_those_on_record() -> None:
    assert answers() == json.loads(RECORD.read_text())
