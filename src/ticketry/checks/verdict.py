"""The rule that decides; it stands here alone.

For n draws, each with the ticket and the altered ticket trained on the same data in the same order, let d be the mean
of the differences in test quality (accuracy, or R2) and h = t sd / sqrt(n) half the 95 % interval around it (Student's
t, n - 1 degrees of freedom, of the n differences). With a margin m of half a point of accuracy, or 0.005 of R2:

    pass          d - h > m: the ticket is better, by more than the margin;
    fail          whatever the ticket has over the control, it is less than the margin: of the hypotheses "it has the
                  margin over this control", one a control, Holm's procedure rejects this one at 2.5 %. By itself
                  d + h < m would do so; of k controls the first must reach 2.5 % / k, the next 2.5 % / (k - 1), ...;
    inconclusive  anything else: more draws may tell;
    collapsed     a layer of the altered ticket keeps no weight, or once trained it is no better than a constant guess
                  in any draw: it lost because it is dead, which says nothing for the ticket.

A ticket fails where one control does; it passes where some pass and no other is inconclusive. Controls that collapsed
or only give a look have no say: the complement, and the search on half the data, which may honestly be enough of them.
A ticket that is dead itself, by the same measure, has collapsed, whatever its controls do.

So both verdicts on the ticket keep 2.5 %. One failed control is enough for a fail: that any control fails a ticket
which has the margin over all of them is what Holm's procedure bounds, whatever the differences share (Holm 1979, "A
simple sequentially rejective multiple test procedure"). All controls must pass for a pass: a ticket without the
margin over one of them passes that one in 2.5 % at most, which needs no correction (an intersection-union test, Berger
1982, "Multiparameter hypothesis testing and acceptance sampling"). A single `pass` beside a control is good for 2.5 %
by itself, not for all in the table at once. The family is every control but the looks, those that collapsed included,
so that it is known before the draws. Draws that are added after a look at the verdict are not covered.

The rule was changed twice after numbers were seen. On 2026-11-21, to the stricter side: a pass asked d - h > 0 and
d > m, and two verdicts with means at the margin differed from ticket to ticket
(records/2026-11-21-court-lenet-mnist.txt). On 2026-11-28, for the fails: each control was judged by its own
d + h < m, so that a ticket with just the margin over eight controls failed one of them in 13 to 18 % of checks
(records/2026-11-28-verdict-levels.txt).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ticketry.report.statistics import at_least, estimate, holm

Word = Literal["pass", "fail", "inconclusive", "collapsed", "look"]
MARGIN = 0.005
RULE = "2026-11-28"  # the day of this version of it, which results name
LEVEL = 0.025  # of each of the two verdicts on a ticket
LOOKS = ("complement", "corrupted-half")
LEAST = 3  # draws


@dataclass(frozen=True)
class Tried:
    """A network in all draws: its `qualities`, one a draw, and whether every layer keeps a weight in each, `whole`."""

    qualities: Sequence[float]
    whole: bool = True

    def lives(self, chance: float) -> bool:
        """Whether no draw is dead: each keeps weights in all its layers and is better than `chance`."""
        return self.whole and min(self.qualities) > chance


@dataclass(frozen=True)
class Verdict:
    """`difference`: mean of ticket minus control, in the measure's unit; `half`: half its 95 % interval, by itself.

    `p`: adjusted for all controls by Holm's procedure, how improbable such draws are at most where the ticket has the
    margin over this control; it fails below LEVEL. 1 for a look, which is no test.
    """

    word: Word
    difference: float
    half: float
    p: float


def verdicts(
    ticket: Tried, controls: Mapping[str, Tried], chance: float, margin: float = MARGIN
) -> tuple[Word, dict[str, Verdict]]:
    """The verdict on the ticket, and those on all of its controls. `chance`: quality of a constant guess.

    Every `Tried` has the same draws, at least 3 of them.
    """
    n = len(ticket.qualities)
    if n < LEAST:
        raise ValueError(f"{n} draws are too few for a verdict; at least {LEAST}")
    differences = {
        name: [a - b for a, b in zip(ticket.qualities, control.qualities, strict=True)]
        for name, control in controls.items()
    }
    tested = [name for name in controls if name not in LOOKS]
    adjusted = dict(zip(tested, holm([at_least(differences[name], margin) for name in tested]), strict=True))
    found: dict[str, Verdict] = {}
    for name, control in controls.items():
        spread, p = estimate(differences[name], 1 - 2 * LEVEL), adjusted.get(name, 1.0)
        mean, half = spread.mean, spread.half or 0.0
        if name in LOOKS:
            word: Word = "look"
        elif not control.lives(chance):
            word = "collapsed"
        elif mean - half > margin:
            word = "pass"
        else:
            word = "fail" if p < LEVEL else "inconclusive"
        found[name] = Verdict(word, mean, half, p)
    return overall([one.word for one in found.values()], ticket.lives(chance)), found


def overall(words: Sequence[Word], alive: bool = True) -> Word:
    """The verdict on the ticket: that of its worst control, of those that have a say, if it is `alive` itself."""
    if not alive:
        return "collapsed"
    order: tuple[Word, ...] = ("fail", "inconclusive", "pass")
    return next((word for word in order if word in words), "inconclusive")
