from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest

from ticketry.experiment import Experiment, Lock
from ticketry.methods import get
from ticketry.paths import RunDirectory
from ticketry.report.page import page

EDGE = Experiment(method=get("edge-popup")(density=0.25, learning_rate=0.2), data="mnist", model="mlp:30", seed=5)
RANDOM = Experiment(method=get("random")(density=0.25), data="digits", model="mlp:30")
EMPTY = {"meta", "br"}
Make = Callable[..., Any]


class Reader(HTMLParser):
    """Collects text, tags and attributes; fails where tags do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in EMPTY:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


def test_the_page_needs_nothing_beside_itself(make_run: Make) -> None:
    html = page(*make_run(EDGE))
    read = Reader(html)
    assert not {"script", "link", "iframe", "object", "embed", "base", "form"} & set(read.tags)
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in read.links)
    assert re.findall(r"url\((?!#)", html) == []
    assert "@import" not in html
    assert set(re.findall(r"https?://[^\"'\s<]+", html)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_a_front_is_drawn_and_listed_and_notes_are_shown(make_run: Make) -> None:
    directory, result = make_run(EDGE)
    assert "The front" not in page(directory, result)
    lines = [
        {"file": f"front/{i:03}.tkt", "density": 0.5 - i / 10, "ticket_bytes": 900 - i, "train_loss": 0.1 + i,
         "val_loss": loss, "val_accuracy": 0.97 - i / 100}
        for i, loss in enumerate((0.25, 1.25, None))
    ]  # fmt: skip
    read = Reader(page(directory, result | {"front": lines, "notes": {"sparsifier_evaluations": 12345}}))
    assert "The search met 3 masks" in read.text
    assert "front/001.tkt 40.0 % 899 96.00 % 1.2500" in " ".join(read.words).replace("\n", " ")
    assert "sparsifier evaluations" in read.text
    assert "12,345" in read.text
    assert "Validation accuracy of 3 tickets over their density" in page(directory, result | {"front": lines})


def test_every_number_is_on_the_page(make_run: Make) -> None:
    directory, result = make_run(EDGE)
    read = Reader(page(directory, result))
    size, bound = result["ticket_bytes"], result["entropy_bytes"]
    for value in (
        f"25.0 % of the random weights of mlp:30 classify MNIST with 96.1 % test accuracy, in a file of {size} bytes.",
        *("train 98.71 %, validation 96.54 %, test 96.12 %", "train 0.1234, validation 0.2345, test 0.3456"),
        *("555 of 2,220", f"{bound:,.1f}", "8,880", "1 min 23 s", "123,456 forward, 98,765 backward", "512 MB"),
        *("fc1.weight", "30 x 64", "1,920", "480", "fc2.weight", "10 x 30"),
        *result["digest"].values(),
        *("--learning-rate 0.2", "--out run-again", "tk.methods.EdgePopup(density=0.25, learning_rate=0.2)"),
        *(f"ticketry verify {directory.ticket}", "torch 2.13.0", "none was ever trained", "chosen: epoch 3, 83.33 %"),
    ):
        assert value in read.text, value
    assert read.tags.count("svg") == 3


def test_a_trainable_ticket_says_that_it_is_untrained(make_run: Make) -> None:
    words = Reader(page(*make_run(RANDOM))).text
    assert "still untrained, they reach 96.1 % test accuracy" in words
    assert "test accuracy, untrained" in words


def test_what_users_name_is_escaped(make_run: Make) -> None:
    evil = "<script>alert('1')</script>&amp;.npz"
    experiment = Experiment(method=get("random")(), data=evil, model="<img src=x onerror=y>")
    html = page(*make_run(experiment, layers=[("<b>'$x$&", (3, 64))]))
    read = Reader(html)
    assert not {"script", "img", "b"} & set(read.tags)
    assert evil in read.text
    assert "<b>'$x$&" in read.text


def test_locks_are_explained(make_run: Make) -> None:
    experiment = Experiment(method=get("edge-popup")(density=0.5), data="d", model="m", lock=Lock(off=0.35, on=0.35))
    words = Reader(page(*make_run(experiment))).text
    assert "35.0 % of the weights were locked off and 35.0 % on" in words
    assert "locked offlocked on" in words
    assert "--lock.off 0.35 \\ --lock.on 0.35" in words


def test_the_same_run_gives_the_same_page(make_run: Make) -> None:
    made = make_run(EDGE)
    assert page(*made) == page(*made)


def test_a_path_that_is_no_text_can_be_written(make_run: Make) -> None:
    directory, result = make_run(EDGE)
    odd = RunDirectory(directory.root.rename(directory.root.with_name("run\udcff")))
    assert "run?-again" in page(odd, result).encode().decode()


@pytest.mark.parametrize("log", [None, []])
def test_a_log_without_lines(make_run: Make, log: list[Any] | None) -> None:
    read = Reader(page(*make_run(EDGE, log=log, chosen_step=0)))
    assert read.tags.count("svg") == 2
    assert "The mask from before the first step is the ticket" in read.text


def test_a_log_of_one_line(make_run: Make, lines: Make) -> None:
    words = Reader(page(*make_run(RANDOM, log=lines(1), chosen_step=1))).text
    assert "The search is one step; its mask has validation accuracy 50.00 %." in words


def test_losses_that_are_no_numbers(make_run: Make, lines: Make) -> None:
    loss = {"train": None, "val": None, "test": None}
    words = Reader(page(*make_run(EDGE, log=lines(4, train_loss=None, val_loss=None), loss=loss))).text
    assert "train not finite, validation not finite, test not finite" in words
    assert "no finite loss" in words


@pytest.mark.parametrize(
    ("layers", "input_shape"),
    [
        ([("one.weight", (1, 1))], (1,)),
        ([("conv1.weight", (8, 3, 3, 3)), ("fc.weight", (10, 200))], (3, 8, 8)),
        ([("conv.weight", (8, 2, 5))], (2, 40)),
        ([("fc.weight", (10, 3 * 16 * 16))], (3, 16, 16)),
        ([(f"block{i}.{'deep.' * 20}weight", (4, 4, 3, 3)) for i in range(150)], (4, 8, 8)),
    ],
)
def test_any_network_has_a_page(make_run: Make, layers: list[Any], input_shape: tuple[int, ...]) -> None:
    directory, result = make_run(RANDOM, layers=layers, input_shape=input_shape)
    read = Reader(page(directory, result))
    assert read.tags.count("svg") == 3
    assert all(name in read.text for name, _ in layers)
