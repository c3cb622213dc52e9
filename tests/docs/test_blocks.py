"""What counts as the output that a page shows, and what a page's blocks are."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.docs import blocks
from tests.docs.blocks import agrees


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("kept   740", "kept 740  "),
        ("a\n...\nz", "a\nb\nc\nz"),
        ("a\n...", "a"),
        ("in ... s", "in 0.3 s"),
        ("97.8 %", "96.1 %"),
        ("866 bytes", "871 bytes"),
        ("29,600 bytes", "29,600 bytes"),
    ],
)
def test_agrees(shown: str, printed: str) -> None:
    assert agrees(shown, printed)


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("kept 74", "kept 75"),  # a count, not a measurement
        ("97.8 %", "91.0 %"),
        ("866 bytes", "966 bytes"),
        ("pass", "fail"),
        ("a", "a\nb"),
        ("a\nb", "a"),
        ("digest b79f51", "digest b79f50"),
        ("a\n...\nz", "a\nb"),
    ],
)
def test_does_not_agree(shown: str, printed: str) -> None:
    assert not agrees(shown, printed)


def test_numbers_may_vary_and_words_may_not() -> None:
    assert agrees("shuffle 82.07 ± 8.58 pass", "shuffle 12.3 ± 40.1 pass", vary=True)
    assert not agrees("shuffle 82.07 ± 8.58 pass", "shuffle 82.07 ± 8.58 fail", vary=True)


def test_blocks_of_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(
        "```console\n$ ticketry find \\\n    --quiet\nout\n$ echo $?\n0\n```\n\n"
        '<!-- not run: why -->\n```sh\nX=1 ticketry show a  # b\n```\n\n```python title="a.py"\n```\n'
    )
    first, second, third = blocks.blocks(page)
    assert [(one.words, one.shown) for one in first.commands] == [
        (["ticketry", "find", "--quiet"], "out"),
        (["echo", "$?"], "0"),
    ]
    assert first.reason is None
    assert (second.reason, second.commands[0].words) == ("why", ["ticketry", "show", "a"])
    assert (third.title, third.language) == ("a.py", "python")
