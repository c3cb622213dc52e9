"""How often is a verdict wrong, and how many draws does it take? The rule of `check` on simulated draws.

    python benchmarks/bench_verdict.py
    python benchmarks/bench_verdict.py --records      # what the rule says of the checks on record

Differences in quality between ticket and control are normal. The ticket's own part of their variance is in all of them:
none of it (strong tickets, judged untrained, do not vary) or half (networks trained alike). The old rule, each
control judged by its own interval, is the rule itself on families of one. `gap`: how far the true difference is from
the margin, in standard deviations of a difference.

Records hold means and half intervals in hundredths of a point, from which p follows as well; a verdict is marked
`near` where that rounding could turn it.
"""

from __future__ import annotations

import math
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import nctdtr, stdtr, stdtrit

from ticketry.checks.verdict import LEAST, LEVEL, LOOKS, MARGIN, Tried, overall, verdicts
from ticketry.report.statistics import holm, quantile

RECORDS = Path(__file__).parents[1] / "records"
CHECKS = 100_000
CHECKED = 50  # of them, by the rule itself
SD = 0.003
FAR = 30 * SD


def said(beyond: Sequence[float], shared: float, draws: int) -> tuple[Counter[str], Counter[str]]:
    """Verdicts on tickets with these true differences: by the rule, and by each control's own interval.

    All checks at once, in arrays; the first are judged by the rule itself as well, and must agree.
    """
    random, k = np.random.default_rng(1), len(beyond)
    ticket = 0.9 + SD * math.sqrt(shared) * random.standard_normal((CHECKS, 1, draws))
    controls = 0.9 - np.array(beyond)[:, None] + SD * math.sqrt(1 - shared) * random.standard_normal((CHECKS, k, draws))
    differences = ticket - controls
    error = differences.std(axis=2, ddof=1) / math.sqrt(draws)
    p = stdtr(draws - 1, (differences.mean(axis=2) - MARGIN) / error)
    passes = p > 1 - LEVEL
    order = np.argsort(p, axis=1)
    adjusted = np.maximum.accumulate(np.take_along_axis(p, order, 1) * np.arange(k, 0, -1), axis=1)

    def words(fails: NDArray[np.bool_]) -> list[str]:
        return np.where(fails.any(axis=1), "fail", np.where(passes.all(axis=1), "pass", "inconclusive")).tolist()

    now, before = words(adjusted < LEVEL), words(p < LEVEL)
    for number in range(CHECKED):
        tried = {str(i): Tried(row) for i, row in enumerate(controls[number].tolist())}
        own = Tried(ticket[number, 0].tolist())
        alone = [verdicts(own, {name: one}, 0.0)[1][name].word for name, one in tried.items()]
        assert (now[number], before[number]) == (verdicts(own, tried, 0.0)[0], overall(alone))
    return Counter(now), Counter(before)


class Told(NamedTuple):
    """A row of a record: `difference` and `half` in points, and what it was judged."""

    control: str
    difference: float
    half: float
    word: str


def rejudged(rows: Sequence[Told], draws: int, slack: float = 0.0) -> list[str]:
    """The words of the rule for a check's rows; `slack`: points by which all are taken to be nearer to a fail."""
    error = [max(row.half - abs(slack), 1e-9) / quantile(draws - 1) for row in rows]
    tested = [row.control not in LOOKS for row in rows]
    below = [float(stdtr(draws - 1, (row.difference - slack - 0.5) / e)) for row, e in zip(rows, error, strict=True)]
    adjusted = iter(holm([p for p, test in zip(below, tested, strict=True) if test]))
    words = []
    for row, test in zip(rows, tested, strict=True):
        p = next(adjusted) if test else 1.0
        fails = "fail" if p < LEVEL else "inconclusive"
        words.append(row.word if row.word in ("pass", "look", "collapsed") else fails)
    return words


def on_record() -> Iterator[tuple[str, int, list[Told]]]:
    """Every check of a table in the records: its name, its draws, its rows. Passes are judged as they were."""
    number = r"([+-][\d.]+) ± ([\d.]+)"
    three = rf"{number} (\w+) *" * 3
    text = (RECORDS / "2026-11-21-court-lenet-mnist.txt").read_text()
    courts: dict[str, list[Told]] = {}
    for method, control, *found in re.findall(rf"^(\S+) +(\S+) +{three}$", text, re.MULTILINE):
        for seed in range(3):
            d, h, word = found[3 * seed : 3 * seed + 3]
            courts.setdefault(f"{method}, seed {seed}", []).append(Told(control, float(d), float(h), word))
    yield from ((name, 5, rows) for name, rows in courts.items())
    for record in ("2026-11-21-court-lenet-mnist.txt", "2026-11-21-check-lenet-mnist.txt"):
        title, rows = "", list[Told]()
        for line in [*(RECORDS / record).read_text().splitlines(), "end"]:
            row = re.match(rf"(\S+) +[\d.]+ ± [\d.]+ +{number} +[\d.]+ % +(\w+)", line)
            if row:
                rows.append(Told(row[1], float(row[2]), float(row[3]), row[4]))
            elif rows:
                yield title, 5 if "quotas" in title else 3, rows
                rows = []
            elif line and not line.startswith(("the ticket", " ")):
                title = line.partition(";")[0][:60]


def records() -> None:
    print("\nthe rule on the checks on record; each by itself -> by the rule, where that differs")
    counts: Counter[tuple[str, str]] = Counter()
    tickets: dict[str, list[dict[str, str]]] = {}
    for name, draws, rows in on_record():
        words = rejudged(rows, draws)
        alike = [set(both) for both in zip(rejudged(rows, draws, 0.01), rejudged(rows, draws, -0.01), strict=True)]
        own = [rejudged([row], draws)[0] for row in rows]
        before, after = overall(own), overall(words)
        counts[before, after] += 1
        changed = [
            f"{row.control} {old} -> {new}{' (near)' if len(near) > 1 else ''}"
            for row, old, new, near in zip(rows, own, words, alike, strict=True)
            if old != new
        ]
        print(f"{name:62} {before} -> {after}   {'; '.join(changed)}")
        if ", seed" in name:
            verdicts_of = {"all controls": after} | {row.control: w for row, w in zip(rows, words, strict=True)}
            tickets.setdefault(name.partition(",")[0], []).append(verdicts_of)
    for (before, after), count in sorted(counts.items()):
        print(f"{count} checks: {before} -> {after}")
    said_of = [{one[name] for one in each} for each in tickets.values() for name in each[0]]
    flips = sum({"pass", "fail"} <= words for words in said_of)
    print(
        f"of {len(said_of)} verdicts in three repetitions {flips} contradict each other and"
        f" {sum('inconclusive' in words for words in said_of)} are inconclusive in some repetition;"
        f" of the {3 * len(said_of)} single ones"
        f" {sum(one[name] == 'inconclusive' for each in tickets.values() for one in each for name in one)} are"
    )


def levels() -> None:
    print(f"\nwrong verdicts, per cent of {CHECKS:,} checks (standard error {100 * math.sqrt(LEVEL / CHECKS):.2f})")
    print(f"{'':58}  {'draws':>5}  {'shared':>6}  {'each by itself':>14}  {'the rule':>8}")
    for title, beyond, wrong in (
        ("8 controls, the margin over each: fails", [MARGIN] * 8, "fail"),
        ("10 controls (--corrupted), the margin over each: fails", [MARGIN] * 10, "fail"),
        ("8 controls, the margin over one, far more over 7: fails", [MARGIN] + [FAR] * 7, "fail"),
        ("8 controls, the margin over one, far more over 7: passes", [MARGIN] + [FAR] * 7, "pass"),
        ("8 controls, the margin over each: passes", [MARGIN] * 8, "pass"),
    ):
        for draws in (3, 5, 10):
            for shared in (0.0, 0.5):
                now, before = (100 * found[wrong] / CHECKS for found in said(beyond, shared, draws))
                print(f"{title:58}  {draws:5}  {shared:6.1f}  {before:14.1f}  {now:8.1f}", flush=True)


def fails(draws: int, gap: float, controls: int) -> float:
    """Probability of a fail because of one control whose true difference is `gap` deviations below the margin.

    Exact, by the noncentral t, where the others are far above it; where they are not, it is higher.
    """
    needed = stdtrit(draws - 1, LEVEL / controls)
    return float(nctdtr(draws - 1, -gap * math.sqrt(draws), needed))


def power() -> None:
    print("\nthe right fail, one of 8 controls being below the margin by so many standard deviations of a difference")
    print(f"{'':>4}  {'probability at 5 draws, each by itself':>38}  {'the rule':>8}", end="")
    print(f"  {'draws for 80 %, each by itself':>30}  {'the rule':>8}")
    for gap in (0.75, 1.0, 1.5, 2.0, 3.0, 4.0):
        at_five = [100 * fails(5, gap, k) for k in (1, 8)]
        enough = [next(n for n in range(LEAST, 1000) if fails(n, gap, k) >= 0.8) for k in (1, 8)]
        print(f"{gap:4.2f}  {at_five[0]:38.0f}  {at_five[1]:8.0f}  {enough[0]:30}  {enough[1]:8}")


if __name__ == "__main__":
    if "--records" in sys.argv:
        records()
    else:
        levels()
        power()
