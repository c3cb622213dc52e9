"""Checkpoint: a method's state, the best mask so far and the meters, in one atomically replaced safetensors file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from ticketry.core.atomic import write
from ticketry.core.errors import RequestError
from ticketry.core.meters import Meters


@dataclass(frozen=True, eq=False)
class Best:
    """The mask that validation chose: Bool[D], its validation loss and accuracy, and the step it was found at."""

    mask: torch.Tensor
    loss: float
    accuracy: float
    step: int


def save(path: Path, experiment: str, state: Any, best: Best, meters: Meters) -> None:
    """Write a checkpoint of the experiment with this digest. `state`: a dataclass of tensors, numbers and text."""
    values = {f.name: getattr(state, f.name) for f in fields(state)}
    tensors = {f"state.{name}": _copy(value) for name, value in values.items() if isinstance(value, torch.Tensor)}
    scalars = {name: value for name, value in values.items() if not isinstance(value, torch.Tensor)}
    tensors["best.mask"] = _copy(best.mask)
    record = {
        "experiment": experiment,
        "state": scalars,
        "best": {"loss": best.loss, "accuracy": best.accuracy, "step": best.step},
        "meters": asdict(meters),
    }
    path.parent.mkdir(exist_ok=True)
    write(path, save_tensors(tensors, {"checkpoint": json.dumps(record)}))


def _copy(tensor: torch.Tensor) -> torch.Tensor:
    """Memory of its own, in order: safetensors saves nothing else."""
    return tensor.clone(memory_format=torch.contiguous_format)


def load(path: Path, experiment: str, state_type: type[Any], device: torch.device) -> tuple[Any, Best, Meters]:
    """Read a checkpoint back, bit for bit. Raises RequestError when it is damaged or belongs to another experiment."""
    try:
        content = path.read_bytes()
        with safetensors.safe_open(path, framework="pt") as file:
            record = json.loads(file.metadata()["checkpoint"])
        tensors = {name: tensor.to(device) for name, tensor in load_tensors(content).items()}
        if record["experiment"] != experiment:
            raise RequestError(f"{path} belongs to another experiment; delete it to start this one anew.")
        state = {f.name: tensors.get(f"state.{f.name}", record["state"].get(f.name)) for f in fields(state_type)}
        return state_type(**state), Best(mask=tensors["best.mask"], **record["best"]), Meters(**record["meters"])
    except (OSError, safetensors.SafetensorError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise RequestError(f"{path} is damaged ({error}); delete it to start the run anew.") from None
