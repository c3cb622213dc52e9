"""Help is complete: every argument of every verb says what it is, and what several verbs share says one thing."""

from __future__ import annotations

import contextlib
import io
import re

import pytest

from ticketry.cli.main import main
from ticketry.cli.verbs import VERBS

WORDS = {"find": ["find", "edge-popup"], "recipe": ["recipe", "genetic-moons"]}
SHARED = {
    "--data": {"find", "eval", "train", "compare"},  # the others may do without
    "--model": {"find", "compare"},
    "--trust": {"verify", "eval", "predict", "train", "check", "landscape"},
    "--val": {"find", "train", "check", "compare"},
    "--standardise": {"find", "compare"},
    "--device": {"find", "eval", "predict", "train", "check", "recipe", "compare"},
    "--workers": {"recipe", "compare"},
    "--quiet": {"find", "train", "check", "recipe", "compare"},
    "--json": {"show", "verify", "eval", "predict", "train", "check", "landscape", "recipe", "compare"},
}


@pytest.fixture(scope="module")
def said() -> dict[str, dict[str, str]]:
    """Of each verb, what its arguments are said to be."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "1000")  # no text is folded
        return {verb: arguments(WORDS.get(verb, [verb])) for verb in VERBS}


def arguments(words: list[str]) -> dict[str, str]:
    with contextlib.redirect_stdout(io.StringIO()) as out, pytest.raises(SystemExit) as stopped:
        main([*words, "--help"])
    assert not stopped.value.code
    found: dict[str, str] = {}
    name = ""
    for line in re.findall(r"^[│ ] (.*?) *│?$", out.getvalue(), re.MULTILINE):  # a box, or none where letters lack
        if started := re.match(r"(?:-h, )?(--[a-z][\w.-]*|PATH)\b", line):
            name = started[1]
            found[name] = line.partition("  ")[2].strip()
        elif line.startswith(" "):
            found[name] += line.strip()
    return found


def test_every_argument_says_what_it_is(said: dict[str, dict[str, str]]) -> None:
    for verb, flags in said.items():
        assert "--help" in flags
        for name, text in flags.items():
            told = re.sub(r"\((required|default:.*|sets:.*)\)$", "", text).strip()
            assert len(told) > 8, f"{verb} {name}: {text!r}"


def test_the_names_of_data_and_models_stand_with_every_verb_that_asks_for_them(said: dict[str, dict[str, str]]) -> None:
    for verb in SHARED["--data"]:
        assert "fashion-mnist" in said[verb]["--data"]
    for verb in SHARED["--model"]:
        assert "lenet-300-100" in said[verb]["--model"]


@pytest.mark.parametrize("flag", SHARED)
def test_what_is_shared_says_one_thing(flag: str, said: dict[str, dict[str, str]]) -> None:
    assert len({said[verb][flag] for verb in SHARED[flag]}) == 1
    others = {verb for verb in VERBS if flag in said[verb]} - SHARED[flag]
    others -= {"predict"} if flag == "--data" else set()  # which takes examples without labels
    assert others <= {"check", "eval", "landscape", "predict", "train", "verify"}
    assert all("(default: None)" in said[verb][flag] for verb in others)


@pytest.mark.parametrize(("verb", "asks"), [("find", "a method"), ("recipe", "a name")])
def test_a_verb_with_a_first_word_lists_what_it_may_be(
    verb: str, asks: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([verb, "--help"]) == 0
    listed = capsys.readouterr().out
    assert f"usage: ticketry {verb}" in listed
    assert WORDS[verb][1] in listed
    assert main([verb]) == 2
    printed, error = capsys.readouterr()
    assert printed == listed
    assert error == f"ticketry: {verb} needs {asks} as its first word; choose one of those listed above.\n"
