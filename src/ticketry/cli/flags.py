"""What each verb of the command line takes: its arguments and flags, with their documentation. No torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, UseAppendAction, arg

from ticketry.analysis.settings import LandscapeSettings
from ticketry.core.meters import Budget
from ticketry.core.training.recipe import Start, Training
from ticketry.experiment import Lock, Search
from ticketry.recipes import Scale
from ticketry.ticket.limits import MAX_WEIGHTS

# What several verbs take alike.
File = Annotated[Positional[Path], arg(help="A ticket file.")]
Data = Annotated[
    str,
    arg(
        help="moons, circles, blobs, digits, mnist, fashion-mnist, cifar10, diabetes, sine, a .npz, a directory, or"
        " package.module:function."
    ),
]
Model = Annotated[
    str,
    arg(help="mlp:50,50, lenet-300-100, conv2, conv4, conv6, resnet20, resnet18, vgg16, or package.module:factory."),
]
Val = Annotated[float, arg(help="Fraction of the training data that is held out to validate, in (0, 1).")]
Standardise = Annotated[
    bool, arg(help="Scale inputs to mean 0 and deviation 1 by the training part; the ticket keeps the scaling.")
]
Device = Annotated[str, arg(help="cpu, cuda or cuda:N.")]
Workers = Annotated[int | None, arg(help="Runs at a time, each on one thread; one for each core without it.")]
Trust = Annotated[
    tuple[str, ...],
    UseAppendAction,
    arg(help="A module, package.module, whose code the texts in a file may run; give it once for each, or none runs."),
]
Other = Annotated[
    str | None, arg(help="The network, as for `find`, in place of the text in the file; of the same structure.")
]
Quiet = Annotated[bool, arg(help="No progress bar, and no text at the end.")]
MaxWeights = Annotated[int, arg(help="Most weights that the file may ask for; every other bound on it follows.")]
Json = Annotated[bool, arg(help="Print all numbers as JSON instead of text.")]


@dataclass(frozen=True, kw_only=True)
class Find:
    """What to search in, and where to put the result."""

    data: Data
    model: Model
    out: Path
    """Directory of the run; an unfinished run there is resumed."""
    seed: int = 0
    """Decides weights, locks, data order and every draw of the search."""
    val: Val = 0.1
    device: Device = "cpu"
    standardise: Standardise = False
    quiet: Quiet = False
    budget: Budget = field(default_factory=Budget)
    lock: Lock = field(default_factory=Lock)
    search: Search = field(default_factory=Search)


@dataclass(frozen=True, kw_only=True)
class Show:
    """What is inside a ticket file, and its size against the entropy bound."""

    file: File
    max_weights: MaxWeights = MAX_WEIGHTS
    json: Json = False


@dataclass(frozen=True, kw_only=True)
class Verify:
    """Regenerate weights and mask and compare their digests; exit code 1 when anything differs."""

    file: File
    digest: bool = False
    """Only the digests, without building the model: needs no torch."""
    model: Other = None
    trust: Trust = ()
    max_weights: MaxWeights = MAX_WEIGHTS
    json: Json = False


@dataclass(frozen=True, kw_only=True)
class Eval:
    """Quality and loss of the network in a ticket file on labelled data, and which classes it takes for which."""

    file: File
    data: Data
    split: Literal["test", "train", "all"] = "test"
    """Which examples: the test split, all training examples (validation included), or both; all of a file without."""
    model: Other = None
    trust: Trust = ()
    device: Device = "cpu"
    max_weights: MaxWeights = MAX_WEIGHTS
    json: Json = False


@dataclass(frozen=True, kw_only=True)
class Predict:
    """What the network in a ticket file says of examples without labels, as CSV or JSON."""

    file: File
    data: Annotated[str, arg(help="A .npy, a .npz with X_test, X or one array, or data as for eval: their test part.")]
    out: Path | None = None
    """A .csv or .json file; printed as CSV without it."""
    model: Other = None
    trust: Trust = ()
    device: Device = "cpu"
    max_weights: MaxWeights = MAX_WEIGHTS
    json: Json = False


@dataclass(frozen=True, kw_only=True)
class Train:
    """Train the network in a ticket file under its mask: cut weights stay zero."""

    file: File
    data: Data
    out: Path
    """Directory of the training; an unfinished one there is resumed."""
    training: Training = field(default_factory=Training)
    start: Start = "untrained"
    """From the weights that the seed gives, or on from the trained values that the file holds."""
    model: Other = None
    trust: Trust = ()
    val: Val = 0.1
    device: Device = "cpu"
    quiet: Quiet = False
    max_weights: MaxWeights = MAX_WEIGHTS
    json: Json = False


@dataclass(frozen=True, kw_only=True)
class Check:
    """Try a ticket against altered ones, trained side by side; exit code 1 where it is dead or no better than one."""

    ticket: Positional[Path]
    """Directory of a finished run, or a ticket file."""
    seeds: int = 5
    """Draws of every control and of the data order, at least 3."""
    data: str | None = None
    """The data set, as for `find`; that of the ticket without it."""
    model: Other = None
    trust: Trust = ()
    out: Path | None = None
    """Directory of the check, resumable; check or check-corrupted in the run, or ticket-check beside the file."""
    training: Training = field(default_factory=Training)
    trained: bool | None = None
    """Train before judging; without it tickets are, unless they are strong ones."""
    corrupted: bool = False
    """Also search again on corrupted data, three times for each draw; takes the directory of a run."""
    val: Val = 0.1
    device: Device = "cpu"
    quiet: Quiet = False
    max_weights: MaxWeights = MAX_WEIGHTS
    json: Json = False


@dataclass(frozen=True, kw_only=True)
class Landscape:
    """Accuracy and loss along lines and over a plane of masks around a finished run's ticket, and pictures of them."""

    run: Positional[Path]
    """Directory of the run; pictures go onto its report.html, numbers into its landscape.json."""
    settings: Annotated[LandscapeSettings, arg(name="")] = field(default_factory=LandscapeSettings)
    data: str | None = None
    """The data set, as for `find`, where the run was given arrays in Python."""
    model: Other = None
    trust: Trust = ()
    device: str | None = None
    """cpu, cuda or cuda:N; that of the run without it."""
    json: Json = False


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Every run that a published table needs, then the table and a page; an unfinished one is resumed."""

    out: Path
    """Directory of the recipe, with one for each of its runs."""
    scale: Scale = "cpu"
    """smoke: a minute or two, the numbers mean nothing; cpu: minutes to hours on two cores; paper: as published."""
    device: Device = "cpu"
    workers: Workers = None
    quiet: Quiet = False
    json: Json = False


@dataclass(frozen=True, kw_only=True)
class Compare:
    """Several methods at several densities with several seeds, every ticket trained alike: a table and a page."""

    methods: tuple[str, ...]
    """Methods, as for `find`, with their default settings; `dense` adds the line to reach."""
    densities: tuple[float, ...]
    """Fractions of the weights kept, in (0, 1], by every method that takes one."""
    data: Data
    model: Model
    out: Path
    """Directory of the comparison, with one for each of its runs; an unfinished one is resumed."""
    seeds: int = 3
    """So many seeds, from 0."""
    epochs: int | None = None
    """Epochs of every search that takes any; without it those that each method has by default."""
    training: Training = field(default_factory=Training)
    val: Val = 0.1
    standardise: Standardise = False
    device: Device = "cpu"
    workers: Workers = None
    quiet: Quiet = False
    json: Json = False
