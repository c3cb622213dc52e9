"""What test accuracy do tickets of LeNet-300-100 / MNIST reach, and at what size? Mean of three seeds, default flags.

    TICKETRY_DATA=... OMP_NUM_THREADS=1 python benchmarks/bench_accuracy.py

The second table sets tickets from partially frozen networks beside plain sparse tickets of about the same bytes; it
has no target: it says which is better.
"""

from __future__ import annotations

from mnist import Setting, mean_bytes, searches, test_accuracy
from table import Row, at_least, at_most, show

TARGETS = {0.5: 97.4, 0.1: 97.4, 0.05: 97.4, 0.02: 96.8, 0.01: 95.0}
FROZEN = Setting(0.5, 0.35, 0.35)
EQUAL_BYTES = {
    "about 9,500 bytes": (Setting(0.05), FROZEN, Setting(0.1, 0.7, 0.0), Setting(0.2, 0.6, 0.1)),
    "about 3,800 bytes": (Setting(0.0137), Setting(0.1, 0.62, 0.08), Setting(0.05, 0.9, 0.0)),
}


def rows() -> list[Row]:
    plain = {density: Setting(density) for density in TARGETS}
    found = searches([*plain.values(), *(s for group in EQUAL_BYTES.values() for s in group)])
    table = []
    for density, target in TARGETS.items():
        mean, spread = test_accuracy(found[plain[density]])
        question = f"MNIST test accuracy at density {density:g}, 3 seeds"
        table.append(at_least(question, mean, target, " %", spread=spread))
    for density in TARGETS:
        over = max(r["ticket_bytes"] - 1.01 * r["entropy_bytes"] for r in found[plain[density]])
        table.append(at_most(f"found ticket at density {density:g}: bytes - 1.01 entropy", over, 512, digits=0))
    free, frozen = found[plain[0.5]], found[FROZEN]
    gap = test_accuracy(free)[0] - test_accuracy(frozen)[0]
    table.append(at_least("frozen 70 %, density 0.5: times smaller", mean_bytes(free) / mean_bytes(frozen), 3.2))
    table.append(at_most("frozen 70 %, density 0.5: points of accuracy lost", gap, 1.2))
    for name, settings in EQUAL_BYTES.items():
        for setting in settings:
            mean, spread = test_accuracy(found[setting])
            label = f"{name}: density {setting.density:g}, off {setting.off:g}, on {setting.on:g}"
            value = f"{mean:.2f} % (sd {spread:.2f}), {mean_bytes(found[setting]):,.0f} B"
            table.append(Row(label, value, "none: a comparison", True))
    return table


if __name__ == "__main__":
    show("Strong tickets of LeNet-300-100 on MNIST", rows())
