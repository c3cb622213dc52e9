from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketry.core.errors import RequestError
from ticketry.core.spec import Spec, call, parse, whole
from ticketry.core.trust import run as run_trusted
from ticketry.core.trust import typed

LITERALS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
NAMES = st.sampled_from(["width", "norm", "x_1", "a"])


@given(
    st.sampled_from(["conv4", "mlp:50,50", "lenet-300-100", "my.nets:make"]),
    st.lists(LITERALS, max_size=2),
    st.dictionaries(NAMES, LITERALS, max_size=3),
)
@settings(max_examples=60, deadline=None)
def test_text_and_spec_are_the_same_thing(target: str, args: list[object], kwargs: dict[str, object]) -> None:
    spec = Spec(target, tuple(args), kwargs)
    assert parse("model", str(spec)) == spec
    assert str(parse("model", str(spec))) == str(spec)


@given(st.text(max_size=40))
@settings(max_examples=200, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        spec = parse("model", text)
    except RequestError:
        return
    assert parse("model", str(spec)) == spec


def test_canonical_form_ignores_order_and_spelling() -> None:
    assert str(parse("model", ' conv4 ( width = .5,norm="batch" ) ')) == "conv4(norm='batch', width=0.5)"
    assert str(parse("model", "conv4()")) == "conv4"
    assert parse("model", "a.b:make(-1, (2, [3]))") == Spec("a.b:make", (-1, (2, [3])), {})


@pytest.mark.parametrize("text", ["a.b:make", "a:b", "_x.y1:Make(3)"], ids=["dotted", "short", "class"])
def test_import_paths(text: str) -> None:
    assert parse("model", text).imported


@pytest.mark.parametrize("text", ["mlp:20", "mlp:50,50", "conv4", "a.b", "a:b:c", "a-b:c", "C:\\data.npz"])
def test_other_names_are_no_import_paths(text: str) -> None:
    assert not parse("model", text).imported


@pytest.mark.parametrize(
    "text",
    [
        "",
        "two words",
        "f(",
        "f)",
        "f(1)(2)",
        "f(1) + g(2)",
        "f(a=1, a=2)",
        "f(*[1])",
        "f(**{'a': 1})",
        "f(x)",
        "f(__import__('os').system('true'))",
        "f(1 + 1)",
        "f(1e999)",
        "f(1j)",
        "f(b'x')",
        "f({1, 2})",
        "f(...)",
        "f(-'x')",
        "f({[]: 1})",
        "f(lambda: 0)",
        "f([i for i in (1, 2)])",
        "f(\0)",
        "f(" + "(" * 5000 + ")" * 5000 + ")",
        "f(" + "-" * 5000 + "1)",
        "f(" + "1+" * 5000 + "1)",
    ],
)
def test_what_is_not_a_literal_call_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="model is "):
        parse("model", text)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module in the current directory, under a name of its own."""
    name = f"own_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(
        "import sys\n"
        "number = 3\n"
        "def make(width, depth=2):\n    return width * depth\n"
        "def path():\n    return list(sys.path)\n"
        "def late():\n    import own_late\n    return own_late.value\n"
        "def fails():\n    raise KeyError('boom')\n"
        "def confused():\n    return 1 + 'x'\n"
    )
    (tmp_path / "own_late.py").write_text("value = 9\n")
    monkeypatch.chdir(tmp_path)
    return name


def run(text: str) -> object:
    spec = parse("model", text)
    return run_trusted("model", spec, typed(text))


def test_a_module_in_the_current_directory_is_found_and_the_path_restored(own: str) -> None:
    before = list(sys.path)
    assert run(f"{own}:make(3, depth=5)") == 15
    assert os.getcwd() in run(f"{own}:path")  # type: ignore[operator]
    assert run(f"{own}:late") == 9
    with pytest.raises(RequestError):
        run(f"{own}:fails")
    assert sys.path == before


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{own}_no:make", "not found"),
        ("no_package_here.module:make", "not found"),
        ("{own}:maek(1)", "write make"),
        ("{own}:number", "a int, but it must be a function"),
        ("{own}:make", "missing a required argument: 'width'"),
        ("{own}:make(1, wdth=2)", r"'wdth'.*make\(width, depth=2\)"),
        ("{own}:make(1, 2, 3)", "too many"),
        ("{own}:fails", r"KeyError: 'boom' \(.*line \d+\)"),
        ("{own}:confused", "TypeError"),
        ("mlp:20", "import path"),
    ],
)
def test_what_cannot_be_called_is_one_sentence(own: str, text: str, says: str) -> None:
    with pytest.raises(RequestError, match=says) as caught:
        run(text.format(own=own))
    assert str(caught.value).startswith("model is ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import not_there_at_all", "imports 'not_there_at_all', which was not found"),
        ("def f(:", "SyntaxError"),
        ("raise OSError('no disk')", "OSError: no disk"),
    ],
)
def test_a_module_that_does_not_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, says: str) -> None:
    (tmp_path / "own_broken.py").write_text(source)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestError, match=says):
        run_trusted("data", parse("data", "own_broken:f"), typed("own_broken:f"))


def test_functions_without_a_signature_judge_their_arguments_themselves() -> None:
    assert call("data", parse("data", "builtins:max((1, 5, 3))"), max) == 5
    with pytest.raises(RequestError, match="TypeError"):
        call("data", parse("data", "builtins:max(1)"), max)


@pytest.mark.parametrize("value", [True, 2.0, "3", None, 1, 11])
def test_whole_numbers(value: object) -> None:
    assert whole("n", 5, 2, 10) == 5
    with pytest.raises(RequestError, match=r"n is .* from 2 to 10"):
        whole("n", value, 2, 10)
