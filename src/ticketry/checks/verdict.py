"""The rule that decides, written down before any number is seen.

For n draws, each with the ticket and the altered ticket trained on the same data in the same order, let d be the mean
of the differences in test quality (accuracy, or R2) and h = t sd / sqrt(n) half the 95 % interval around it (Student's
t, n - 1 degrees of freedom, of the n differences). With a margin m of half a point of accuracy, or 0.005 of R2:

    pass          d - h > m: the ticket is better, by more than the margin;
    fail          d + h < m: whatever the ticket has over the control, it is less than the margin;
    inconclusive  anything else: more draws may tell;
    collapsed     a layer of the altered ticket keeps no weight, or once trained it is no better than a constant guess
                  in any draw: it lost because it is dead, which says nothing for the ticket.

A ticket fails where one control does; it passes where some pass and no other is inconclusive. Controls that collapsed
or only give a look have no say: the complement, and the search on half the data, which may honestly be enough of them.
A ticket that is dead itself, by the same measure, has collapsed, whatever its controls do.

Changed once after numbers were seen, to the stricter side: a pass asked d - h > 0 and d > m, and two verdicts with
means at the margin differed from ticket to ticket (records/2026-11-21-court-lenet-mnist.txt).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Word = Literal["pass", "fail", "inconclusive", "collapsed", "look"]
MARGIN = 0.005
LOOKS = ("complement", "corrupted-half")
LEAST = 3  # draws


@dataclass(frozen=True)
class Verdict:
    """`difference`: mean of ticket minus control, in the measure's unit; `half`: half its 95 % interval."""

    word: Word
    difference: float
    half: float


def decide(
    ticket: Sequence[float],
    control: Sequence[float],
    whole: bool,
    chance: float,
    name: str = "",
    margin: float = MARGIN,
) -> Verdict:
    """The verdict on a control. `ticket`, `control`: quality of each draw, at least 3 of them.

    `whole`: whether every layer of every draw keeps a weight; `chance`: see `lives`.
    """
    from ticketry.report.statistics import quantile

    n = len(ticket)
    if n < LEAST:
        raise ValueError(f"{n} draws are too few for a verdict; at least {LEAST}")
    differences = [a - b for a, b in zip(ticket, control, strict=True)]
    mean = math.fsum(differences) / n
    deviation = math.sqrt(math.fsum((d - mean) ** 2 for d in differences) / (n - 1))
    half = quantile(n - 1) * deviation / math.sqrt(n)
    if name in LOOKS:
        word: Word = "look"
    elif not lives(control, whole, chance):
        word = "collapsed"
    elif mean - half > margin:
        word = "pass"
    elif mean + half < margin:
        word = "fail"
    else:
        word = "inconclusive"
    return Verdict(word, mean, half)


def lives(qualities: Sequence[float], whole: bool, chance: float) -> bool:
    """Whether no draw is dead: each keeps weights in all its layers and is better than `chance`."""
    return whole and min(qualities) > chance


def overall(words: Sequence[Word], alive: bool = True) -> Word:
    """The verdict on the ticket: that of its worst control, of those that have a say, if it is `alive` itself."""
    if not alive:
        return "collapsed"
    order: tuple[Word, ...] = ("fail", "inconclusive", "pass")
    return next((word for word in order if word in words), "inconclusive")
