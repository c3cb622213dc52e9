"""What of a module can be searched: its weight matrices by default, anything by name, and what stays outside.

By default these are the weights that a layer multiplies its input with: of Linear, Bilinear and Conv layers,
transposed ones included, of recurrent layers and cells, and the projections of attention. Where weight norm or spectral
norm stands before such a weight, it is the tensor behind it: w = g v/|v| and w = v/sigma are zero exactly where v is,
so a mask of v is one of w, whose kept weights the norm then rescales. Not by default: embeddings, since a row is looked
up and not summed, so that a sparse one says less of its word alone; parametrizations other than these two, under which
a cut entry need not be a cut weight; and parameters of modules that torch does not know, which may be scales or
positions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from torch import nn
from torch.nn.utils import parametrizations, parametrize
from torch.nn.utils.prune import BasePruningMethod
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from ticketry.core.errors import refuse

_MATRIX = (nn.Linear, nn.Bilinear, nn.modules.conv._ConvNd)
_ATTENTION = ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight")
_MOST = 6  # names in a sentence


def by_default(module: nn.Module) -> set[int]:
    """The ids of the parameters that are searched unless the user chooses."""
    found = (_behind(part, name) for part in module.modules() for name in _weights(part))
    return {id(parameter) for parameter in found if parameter is not None}


def _weights(part: nn.Module) -> Iterator[str]:
    """The names of the weights that a layer multiplies its input with."""
    if isinstance(part, _MATRIX):
        yield "weight"
    elif isinstance(part, nn.RNNBase):
        yield from (name for name in part._flat_weights_names if name.startswith("weight"))
    elif isinstance(part, nn.RNNCellBase):
        yield from ("weight_ih", "weight_hh")
    elif isinstance(part, nn.MultiheadAttention):
        yield from _ATTENTION


def _behind(part: nn.Module, name: str) -> nn.Parameter | None:
    """The parameter that holds a weight, or that a weight norm or spectral norm makes it of; None for any other."""
    if name in part._parameters:
        return part._parameters[name]
    if parametrize.is_parametrized(part, name):
        several = part.get_submodule(f"parametrizations.{name}")
        behind = {parametrizations._WeightNorm: "original1", parametrizations._SpectralNorm: "original"}
        kinds = [type(one) for one in several.children()]
        return several._parameters.get(behind.get(kinds[0], "")) if len(kinds) == 1 else None
    for hook in part._forward_pre_hooks.values():  # the older forms, which are hooks
        if isinstance(hook, WeightNorm | SpectralNorm) and hook.name == name:
            return part._parameters[f"{name}_{'v' if isinstance(hook, WeightNorm) else 'orig'}"]
    return None


def refuse_pruned(module: nn.Module, exclude: Sequence[str]) -> None:
    """Raise RequestError for a layer under a mask of torch.nn.utils.prune, unless the user leaves it out by name.

    Weights that it cuts already would be searched and counted as if they were there.
    """
    for name, part in module.named_modules():
        for hook in part._forward_pre_hooks.values():
            if isinstance(hook, BasePruningMethod):
                inside = f"{name}." if name else ""
                held = f"{inside}{hook._tensor_name}_orig"
                if not any(fnmatchcase(held, pattern) for pattern in exclude):
                    raise refuse(
                        "model",
                        f"one whose '{held}' is under a mask of torch.nn.utils.prune",
                        "without it, as its cut weights would count as searched",
                        f"call prune.remove(layer, '{hook._tensor_name}') first, or pass search.exclude '{held}'",
                    )


@dataclass(frozen=True)
class Coverage:
    """How much of a module the mask covers."""

    searched: int
    """Weights under the mask, locked ones included."""
    outside: tuple[tuple[str, str, int], ...] = ()
    """Kind of layer, name and size of each weight matrix outside the mask: no biases, scales or other vectors."""

    @property
    def total(self) -> int:
        """Weights in all: those under the mask and those in matrices outside."""
        return self.searched + sum(size for _, _, size in self.outside)

    @property
    def sentences(self) -> list[str]:
        """One that says what is outside and how to search it; none where everything is under the mask."""
        if not self.outside:
            return []
        kinds = listed(dict.fromkeys(kind for kind, _, _ in self.outside), "and")
        names = listed([name for _, name, _ in self.outside], "and")
        return [
            f"searched {self.searched:,} of {self.total:,} weights; {kinds} weights are not ({names}):"
            " search.include names those to search, in place of the default."
        ]


def coverage(module: nn.Module, masked: Collection[str]) -> Coverage:
    """What masks of these parameters cover, and what they leave out."""
    known, owners = by_default(module), dict(module.named_modules())
    searched, outside = 0, []
    for name, parameter in module.named_parameters():
        if name in masked:
            searched += parameter.numel()
        elif id(parameter) in known or sum(size > 1 for size in parameter.shape) > 1:
            owner = owners[name.partition(".parametrizations.")[0] if ".parametrizations." in name else _owner(name)]
            outside.append((type(owner).__name__.removeprefix("Parametrized"), name, parameter.numel()))
    return Coverage(searched, tuple(outside))


def _owner(name: str) -> str:
    return "" if name.startswith("parametrizations.") else name.rpartition(".")[0]


def listed(names: Iterable[str], last: str = "or") -> str:
    """Some names for a sentence: `a, b or c`; of many the first, and how many there are more."""
    every = [f"{name[:57]}..." if len(name) > 60 else name for name in names]
    shown = every[:_MOST] + ([f"{len(every) - _MOST:,} more"] if len(every) > _MOST else [])
    return f"{', '.join(shown[:-1])} {last} {shown[-1]}" if len(shown) > 1 else "".join(shown)
