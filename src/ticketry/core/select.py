"""Exact selection: which k of D scores are the largest, as a mask, with ties to the lowest index. Never a full sort.

On the CPU most of the work is one pass. A sample brackets the k-th largest score; the pass counts what is certainly
kept and collects the few scores inside the bracket, among which the choice is exact. Where the bracket misses or is
all ties, slower ways give the same mask: only speed depends on the sample.

Order of scores: by value, equal ones by lowest index; NaN counts as -inf, so it loses to every other value.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ticketry.core.lazy import torch

Scores = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]

BLOCK = 1 << 18  # scores per pass: small enough to stay in cache, large enough to hide the cost of a call
SAMPLED_FROM = 1 << 14  # vectors shorter than this are partitioned whole
DEVIATIONS = 3.5  # half the width of the bracket: it misses about once in 2000 calls
GOLDEN = 0.6180339887498949


def select(scores: Scores, k: int, out: Mask) -> None:
    """Write into `out`, Bool[D], the mask of the k largest of Float[D]; 0 <= k <= D."""
    if k in (0, scores.size):
        out.fill(k > 0)
        return
    if scores.size >= SAMPLED_FROM:
        low, high = _bracket(scores, k)
        if low < high and _within(scores, k, low, high, out):
            return
        if any(_at(scores, k, end, out) for end in (low, high) if end > -math.inf):  # -inf ties with NaN: below
            return
    _partition(np.fmax(scores, -np.inf), k, out)


def _bracket(scores: Scores, k: int) -> tuple[float, float]:
    """Two scores that most probably enclose the k-th largest, by rank in a sample of about 2 D^(2/3)."""
    wanted = 2 * scores.size ** (2 / 3)
    step = scores.size // wanted + GOLDEN  # irrational: visits every phase of every period of the weights' layout
    sample = scores[np.arange(0.0, scores.size, step).astype(np.intp)]
    kept = k / scores.size
    rank = sample.size * (1 - kept)
    margin = DEVIATIONS * math.sqrt(rank * kept) + 1
    first, last = math.floor(rank - margin), math.ceil(rank + margin)
    low, high = -math.inf, math.inf
    if last < sample.size:
        sample.partition(last)
        sample, high = sample[:last], sample[last]
    if first >= 0:
        sample.partition(first)
        low = sample[first]
    return low, high


def _within(scores: Scores, k: int, low: float, high: float, out: Mask) -> bool:
    """Keep what reaches `high`, drop what does not exceed `low`, choose between exactly; False where that fails."""
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
    _partition(candidates, k - certain, chosen)
    out[np.concatenate(places)] = chosen
    return True


def _partition(scores: Scores, k: int, out: Mask) -> None:
    """The k largest, k >= 1, of scores without NaN."""
    place = scores.size - k
    _at(scores, k, np.partition(scores, place)[place], out)


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
