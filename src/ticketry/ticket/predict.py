"""What a ticket's network says of examples without labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ticketry.core.nets.judge import CHUNK
from ticketry.core.nets.net import answer


@dataclass(frozen=True, eq=False, repr=False)
class Predictions:
    """Of B examples. Of quantities `classes` and `probabilities` are None."""

    outputs: NDArray[np.float32]
    """(B, K): logits, or quantities in the units of the data."""
    classes: NDArray[np.int64] | None
    """(B,): numbers of the classes; -1 where an answer is no number."""
    probabilities: NDArray[np.float32] | None
    """(B, K): softmax of the logits, which says how sure the network is, not how often it is right."""
    names: tuple[str, ...] = ()
    """Of the classes, where the ticket has some."""

    @property
    def labels(self) -> list[str | None]:
        """The name, else the number, of each example's class; None where there is no answer. Empty for quantities."""
        found = [] if self.classes is None else self.classes.tolist()
        return [None if one < 0 else self.names[one] if self.names else str(one) for one in found]

    def __len__(self) -> int:
        return len(self.outputs)

    def __repr__(self) -> str:
        what = "quantities" if self.classes is None else "classes"
        return f"Predictions({what} of {len(self)} examples)"

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Each example as JSON has it: class, label and probability, or quantities; None for what is no number."""
        if self.classes is None or self.probabilities is None:
            wide = self.outputs.shape[1] > 1
            names = [f"y{k}" if wide else "y" for k in range(self.outputs.shape[1])]
            return [dict(zip(names, map(_plain, row), strict=True)) for row in self.outputs.tolist()]
        most = self.probabilities.max(1).tolist()
        return [
            {"class": None if one < 0 else one, "label": label, "probability": _plain(chance)}
            for one, label, chance in zip(self.classes.tolist(), self.labels, most, strict=True)
        ]


def decided(outputs: torch.Tensor) -> torch.Tensor:
    """Long[B]: the class with the largest of Float[B, C], the first of equals; -1 where one is no finite number."""
    return outputs.argmax(1).where(outputs.isfinite().all(1), torch.tensor(-1, device=outputs.device))


def predictions(network: torch.nn.Module, x: torch.Tensor, classes: bool, names: tuple[str, ...]) -> Predictions:
    """`x`: Float[B, ...] inputs. `network`: whose outputs are logits of classes, or quantities in units."""
    device = next((p.device for p in network.parameters()), x.device)
    with torch.no_grad():
        chunks = (x[at : at + CHUNK] for at in range(0, len(x), CHUNK))
        outputs = torch.cat([answer(network, chunk.to(device)).cpu() for chunk in chunks])
    if not classes:
        return Predictions(outputs.numpy(), None, None)
    chances = outputs.double().softmax(1).float().numpy()
    return Predictions(outputs.numpy(), decided(outputs).numpy(), chances, names)


def _plain(number: float) -> float | None:
    return number if np.isfinite(number) else None
