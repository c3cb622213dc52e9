"""Whether a network is a function of its parameters, its buffers and its input: else nothing said of it holds again.

Two passes of the same batch in evaluation mode, and one of a second build with the same parameters and buffers, give
the same bits, and a pass leaves no trace. On devices other than the CPU, where sums may be of any order, they agree to
a hundred thousandth.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from ticketry.core.errors import RequestError
from ticketry.core.generators import lent, states
from ticketry.core.nets.constructed import raw
from ticketry.core.nets.net import Named, Net

_REMEDY = "make it a function of its input, its parameters and its buffers"


def check(net: Net, other: Net | None, weights: Named, x: torch.Tensor) -> None:
    """Raise RequestError for a net that is no such function, saying why where that can be found.

    `other`: the net of a second build, where there is one, with the same values outside the mask. `weights`: the
    Space's. `x`: a few examples, Float[B, ...].
    """
    with lent(), torch.no_grad():
        first = net.eval_logits(weights, x, net.fresh())
        traces, drawn = dict(_state(net.module)), states()
        second = net.eval_logits(weights, x, net.fresh())
        drew = [name for name, state in states().items() if state != drawn[name]]
        changed = [name for name, value in _state(net.module) if name in traces and value != traces[name]]
        third = None if other is None else other.eval_logits(weights, x, other.fresh())
    if not _agree(first, second):
        draws = f"draws from the generator of {' and '.join(drew)} (as dropout does without training=self.training)"
        changes = f"changes {_few(changed)}" if changed else "changes something else that it reads"
        raise _refused(f"answers the same batch otherwise the second time: its forward {draws if drew else changes}")
    if changed:
        raise _refused(f"changes {_few(changed)} each time that it answers a batch in evaluation mode")
    if third is not None and other is not None and not _agree(first, third):
        mine = dict(_state(net.module))
        odd = [name for name, value in _state(other.module) if mine.get(name) != value]
        where = f"in {_few(odd)}" if odd else "in something that is neither parameter nor buffer"
        raise _refused(
            f"is built otherwise each time, {where}, so that it answers otherwise with the same parameters",
            "make what its constructor draws a buffer (register_buffer), which a ticket holds",
        )


def _refused(what: str, remedy: str = _REMEDY) -> RequestError:
    return RequestError(f"model {what}, but it must be repeatable; {remedy}.")


def _few(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{', '.join(names[:2])} and {len(names) - 2} others"


def _agree(one: torch.Tensor, other: torch.Tensor) -> bool:
    if one.device.type != "cpu":
        return torch.allclose(one, other, 1e-5, 1e-5 * float(one.abs().nan_to_num(0, 0, 0).max()), equal_nan=True)
    return one.contiguous().numpy().tobytes() == other.contiguous().numpy().tobytes()


def _state(module: nn.Module) -> Iterator[tuple[str, object]]:
    """Buffers and plain attributes that are numbers or arrays, by what they are to a reader."""
    for name, buffer in module.named_buffers():
        if not name.endswith("num_batches_tracked"):
            yield f"the buffer {name!r}", _bytes(buffer)
    for name, part in module.named_modules():
        for key, value in vars(part).items():
            if key != "training" and isinstance(value, int | float | torch.Tensor | np.ndarray):
                where = f"{name}.{key}" if name else key
                yield f"the attribute {where!r}", repr(value) if isinstance(value, int | float) else _bytes(value)


def _bytes(value: torch.Tensor | np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> object:
    return str(value.dtype), tuple(value.shape), raw(value) if isinstance(value, torch.Tensor) else value.tobytes()
