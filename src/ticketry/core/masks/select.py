"""Exact selection: which k of D scores are the largest, as a mask, with ties to the lowest index. Never a full sort.

On the CPU the work is two passes. A sample and a counting pass bracket the k-th largest score; the second pass keeps
what lies above the bracket and collects the few scores inside it, among which the choice is exact. Where the bracket
misses or is all ties, slower ways give the same mask: only speed depends on the sample. Where scores change little
from one selection to the next, as in a search, the last bracket serves as well and saves the first pass: `Near`.

Order of scores: by value, equal ones by lowest index; NaN counts as -inf, so it loses to every other value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ticketry.core.lazy import torch

Scores = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]

BLOCK = 1 << 18  # scores per pass: small enough to stay in cache, large enough to hide the cost of a call
SAMPLED_FROM = 1 << 14  # vectors shorter than this are partitioned whole
DEVIATIONS = 3.0  # half the width of the bracket
GOLDEN = 0.6180339887498949
NEAR = 0.01  # of the scores, inside the bracket that the last selection leaves for the next


@dataclass
class Near:
    """Where the last selection ended, for the next of almost the same scores: changes its speed, never its mask."""

    threshold: float = 0.0
    """The k-th largest score."""
    reach: float = 0.0
    """Half the width of a bracket around it that holds about `NEAR` of the scores; 0 for none known."""

    def narrow(self, scores: Scores, threshold: float, low: float, high: float, inside: int) -> None:
        """Note a selection: its threshold, and how many scores its bracket held."""
        reach = (high - low) * NEAR * scores.size / (2 * inside)
        self.threshold, self.reach = threshold, reach if math.isfinite(reach) else 0.0


def select(scores: Scores, k: int, out: Mask, near: Near | None = None) -> None:
    """Write into `out`, Bool[D], the mask of the k largest of Float[D]; 0 <= k <= D. Reads and writes `near`."""
    if k in (0, scores.size):
        out.fill(k > 0)
        return
    near = near or Near()
    if scores.size >= SAMPLED_FROM:
        if _within(scores, k, near.threshold - near.reach, near.threshold + near.reach, out, near):
            return
        low, high = _bracket(scores, k, out)
        if _within(scores, k, low, high, out, near):
            return
        if any(_at(scores, k, end, out) for end in (low, high) if end > -math.inf):  # -inf ties with NaN: below
            return
    _partition(np.fmax(scores, -np.inf), k, out)


def _bracket(scores: Scores, k: int, scratch: Mask) -> tuple[float, float]:
    """Two scores that most probably enclose the k-th largest: its rank in a sample of about D^(2/3), corrected by
    counting how many scores really exceed the sample's guess, which makes the bracket several times narrower."""
    n = scores.size
    step = n // n ** (2 / 3) + GOLDEN  # irrational: visits every phase of every period of the weights' layout
    sample = np.sort(scores[np.arange(0.0, n, step).astype(np.intp)])
    guess = sample[int(sample.size * (1 - k / n))]
    above = 0
    for start in range(0, n, BLOCK):
        part = scratch[start : start + BLOCK]
        above += int(np.count_nonzero(np.greater(scores[start : start + BLOCK], guess, out=part)))
    shift = (above - k) * sample.size / n
    rank = np.searchsorted(sample, guess, side="right") - 1 + shift
    margin = DEVIATIONS * math.sqrt(abs(shift) + 1)
    first, last = min(math.floor(rank - margin), sample.size - 1), max(0, math.ceil(rank + margin))
    low = sample[first] if first >= 0 else -math.inf
    return low, sample[last] if last < sample.size else math.inf


def _within(scores: Scores, k: int, low: float, high: float, out: Mask, near: Near) -> bool:
    """Keep what reaches `high`, drop what does not exceed `low`, choose between exactly; False where that fails."""
    if not scores.dtype.type(low) < scores.dtype.type(high):  # equal where rounded: nothing would lie between
        return False
    buffer = np.empty(min(BLOCK, scores.size), np.bool_)
    certain, places, values = 0, [], []
    for start in range(0, scores.size, BLOCK):
        block, kept = scores[start : start + BLOCK], out[start : start + BLOCK]
        sure = buffer[: block.size]
        np.greater(block, low, out=kept)
        np.greater_equal(block, high, out=sure)
        certain += int(np.count_nonzero(sure))
        inside = np.flatnonzero(np.not_equal(kept, sure, out=sure))
        values.append(block[inside])
        places.append(inside + start)
    candidates = np.concatenate(values)
    if not 0 < k - certain <= candidates.size:
        return False
    chosen = np.empty(candidates.size, np.bool_)
    threshold = _partition(candidates, k - certain, chosen)
    out[np.concatenate(places)] = chosen
    near.narrow(scores, threshold, low, high, candidates.size)
    return True


def _partition(scores: Scores, k: int, out: Mask) -> float:
    """The k largest, k >= 1, of scores without NaN; returns the k-th."""
    place = scores.size - k
    threshold = np.partition(scores, place)[place]
    _at(scores, k, threshold, out)
    return float(threshold)


def _at(scores: Scores, k: int, threshold: float, out: Mask) -> bool:
    """Keep what exceeds the threshold, then what equals it from the lowest index; False unless that makes k."""
    np.greater(scores, threshold, out=out)
    missing = k - np.count_nonzero(out)
    for start in range(0, scores.size, BLOCK):
        if missing <= 0:
            break
        ties = scores[start : start + BLOCK] == threshold
        count = np.count_nonzero(ties)
        if count > missing:
            ties[np.flatnonzero(ties)[missing:]] = False
        out[start : start + BLOCK] |= ties
        missing -= min(count, missing)
    return bool(missing == 0)


def select_on_device(scores: torch.Tensor, k: int) -> torch.Tensor:
    """Bool[D]: the same mask by torch alone, without waiting for the device. topk gives values only, never places."""
    if k in (0, scores.numel()):
        return torch.full_like(scores, k > 0, dtype=torch.bool)
    scores = scores.masked_fill(scores.isnan(), -math.inf)
    rest = scores.numel() - k + 1
    if k <= rest:
        threshold = scores.topk(k, sorted=False).values.amin()
    else:
        threshold = scores.topk(rest, largest=False, sorted=False).values.amax()
    kept = scores > threshold
    ties = scores == threshold
    return kept | (ties & (ties.cumsum(0, dtype=torch.int32) <= k - kept.sum()))
