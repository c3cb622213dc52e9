"""One version, read from one file by the package, the command line and the build."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import ticketry
from ticketry.cli.main import main
from ticketry.core import version

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def test_the_package_and_the_command_line_say_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert ticketry.__version__ == version.VERSION
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"ticketry {version.VERSION}\n"


def test_the_build_reads_it_from_there() -> None:
    told = tomllib.loads(PROJECT.read_text())
    assert told["project"]["dynamic"] == ["version"]
    assert "version" not in told["project"]
    assert PROJECT.parent / told["tool"]["hatch"]["version"]["path"] == Path(version.__file__)
