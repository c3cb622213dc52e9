"""How long does it take to turn D scores into the mask of the k largest? One thread, milliseconds of processor time.

    python benchmarks/bench_select.py [--quick]

Every column ends with a mask. `sort` and `ours` are exact under ties (lowest index first), and so is `partition`, which
is NumPy's selection completed by an exact fill; `topk` may choose any of the ties, `kthvalue` keeps them all.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

from ticketry.core.masks.mask import top_k

SIZES = {"ResNet-20": 271_000, "Conv-6": 2_260_000, "ResNet-18": 11_200_000}


def by_sort(scores: torch.Tensor, k: int) -> torch.Tensor:
    mask = torch.zeros(len(scores), dtype=torch.bool)
    mask[scores.sort(descending=True, stable=True).indices[:k]] = True
    return mask


def by_kthvalue(scores: torch.Tensor, k: int) -> torch.Tensor:
    return scores >= scores.kthvalue(len(scores) - k + 1).values


def by_topk(scores: torch.Tensor, k: int) -> torch.Tensor:
    mask = torch.zeros(len(scores), dtype=torch.bool)
    mask[scores.topk(k, sorted=False).indices] = True
    return mask


def by_partition(scores: torch.Tensor, k: int) -> torch.Tensor:
    numbers = scores.numpy()
    threshold = np.partition(numbers, len(numbers) - k)[len(numbers) - k]
    mask = numbers > threshold
    mask[np.flatnonzero(numbers == threshold)[: k - np.count_nonzero(mask)]] = True
    return torch.from_numpy(mask)


WAYS: dict[str, Callable[[torch.Tensor, int], torch.Tensor]] = {
    "sort": by_sort,
    "kthvalue": by_kthvalue,
    "topk": by_topk,
    "partition": by_partition,
    "ours": top_k,
}
EXACT = ("sort", "partition", "ours")


def milliseconds(scores: torch.Tensor, k: int, rounds: int) -> dict[str, float]:
    """Median time of each way, the ways taking turns."""
    expected = by_sort(scores, k)
    times: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(rounds):
        for name, way in WAYS.items():
            start = time.process_time()
            mask = way(scores, k)
            times[name].append(1000 * (time.process_time() - start))
            assert name not in EXACT or torch.equal(mask, expected), name
    return {name: statistics.median(spent) for name, spent in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description="Time selections of the k largest scores.")
    parser.add_argument("--quick", action="store_true", help="the smallest size only")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)
    print(f"{'scores':>22} {'density':>7} " + " ".join(f"{name:>9}" for name in WAYS) + "  best other / ours")
    for model, size in list(SIZES.items())[: 1 if quick else None]:
        normal = torch.from_numpy(np.random.default_rng(0).standard_normal(size).astype(np.float32))
        for kind, scores in {"normal": normal, "half zeros": normal.relu()}.items():
            for density in (0.6, 0.5, 0.05):
                spent = milliseconds(scores, int(density * size), 21 if size < 1e6 else 5)
                best = min(value for name, value in spent.items() if name != "ours")
                row = " ".join(f"{value:9.2f}" for value in spent.values())
                print(f"{model + ' ' + kind:>22} {density:7} {row}  {best / spent['ours']:.2f}", flush=True)


if __name__ == "__main__":
    main()
