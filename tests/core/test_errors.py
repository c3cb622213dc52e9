"""A sentence is one line of bounded length, whatever values and other exceptions hold."""

from __future__ import annotations

import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketry.core import errors
from ticketry.core.errors import RequestError, TicketError, refuse, shorten, told, unknown

MEGABYTE = "x\n\x1b[31m\udcff é " * 100_000
ANY = st.text(max_size=50) | st.sampled_from([MEGABYTE, "a" * 10**6, "\n" * 10**6, "\0" * 10**6])


@given(ANY, ANY, ANY)
@settings(max_examples=60, deadline=None)
def test_any_sentence_is_one_line_that_ends_as_it_must(field: str, value: str, name: str) -> None:
    for error in (refuse(field, value, "short", "do this"), unknown("name", name, ["a", "b"]), TicketError(value)):
        said = str(error)
        assert said.isprintable()
        assert len(said) <= errors.LONGEST
    assert str(refuse(field, value, "short", "do this")).endswith(", but it must be short; do this.")


@pytest.mark.parametrize("text", ["", "a b", " a\n b\t", MEGABYTE, "a" * 501, "a" * 500])
def test_what_is_too_long_loses_its_middle(text: str) -> None:
    short = shorten(text)
    assert len(short) <= errors.VALUE
    if len(text) <= errors.VALUE and text.isprintable():
        assert short == text
    if len(text) > errors.VALUE:
        assert " ... " in short


class Odd(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_what_another_exception_says() -> None:
    assert told(ValueError("a\n  b")) == "ValueError: a b"
    assert told(KeyError()) == "KeyError"
    assert told(Odd()) == "Odd"
    trace = "shape mismatch\nException raised from check at ../x.cpp:12 (most recent call first):\nframe #0: c10"
    assert told(RuntimeError(trace)) == "RuntimeError: shape mismatch"
    assert len(told(RuntimeError(MEGABYTE))) <= errors.REASON
    assert len(told(type("T" * 10**6, (Exception,), {})("x"))) <= errors.REASON
    with pytest.raises(RuntimeError) as caught:
        torch.ones(2, 3) @ torch.ones(2, 3)
    assert told(caught.value).startswith("RuntimeError: mat1 and mat2 shapes")


def test_a_sentence_survives_the_way_from_another_process() -> None:
    error = refuse("n", MEGABYTE, "short", "do this")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (RequestError, str(error))
