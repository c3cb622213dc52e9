"""The rules that every ticket keeps, whether it is to be written or was read. FORMAT.md states them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np

from ticketry.core.seed.weights import draws_bias
from ticketry.ticket.content import JUDGED, UNITS, Header, Scaling, TicketFile, ZeroRange

LONGEST_TEXT = 4096  # characters
LONGEST_LABEL = 64
LONGEST_NAME = 255

# Controls, line separators, marks that are invisible or turn the direction of writing, halves of surrogate pairs.
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff0-\uffff]")
_LARGEST = float(np.finfo(np.float32).max)


def fault(header: Header) -> str | None:
    """What is wrong with the names, sizes and numbers of a ticket, as half a sentence; None when nothing is."""
    shapes = _shapes(header)
    for name, _ in shapes:
        if not plain(name):
            return (
                f'parameter name {name!r:.60} is not of 1 to 255 printable ASCII characters without space, |, " and \\'
            )
    if len({name for name, _ in shapes}) < len(shapes):
        return "two of its parameters have one name"
    if not header.layers:
        return "it has no maskable parameter"
    for shape in (*(shape for _, shape in shapes), header.input_shape):
        if len(shape) > 8 or not all(1 <= n < 1 << 31 for n in shape):
            return f"shape {_few(shape)} has more than 8 dimensions or one outside 1..2^31-1"
    if not 1 <= header.outputs < 1 << 31:
        return f"outputs is {header.outputs!s:.60}, outside 1..2^31-1"
    if not 0 <= header.seed < 1 << 63:
        return f"seed is {header.seed!s:.60}, outside 0..2^63-1"
    if any(not 0 <= p.fan_in < 1 << 31 for p in header.rest):
        return "a fan-in is outside 0..2^31-1"
    if any(p.fan_in for p in header.rest) and not draws_bias(header.recipe.kind):
        return f"it draws biases, which {header.recipe.kind} weights do not"
    if header.kind not in JUDGED:
        return f"kind is {header.kind!r}, neither strong nor trainable"
    if header.built and not re.fullmatch("[0-9a-f]{16}", header.built):
        return f"built is {header.built!r:.60}, not 16 hexadecimal digits"
    if not all(_float32(p.value) for p in header.fixed):
        return "a fixed value is not a finite float32"
    texts = (header.model, header.objective, header.method, header.data, header.run)
    return _of_texts(texts) or _of_meaning(header) or _of_zeros(header)


def fault_in_arrays(ticket: TicketFile) -> str | None:
    """What is wrong with the arrays of a ticket whose header is right."""
    total = sum(layer.size for layer in ticket.layers)
    if ticket.mask.shape != (total,) or ticket.mask.dtype != np.bool_:
        return f"its mask is {ticket.mask.dtype}{list(ticket.mask.shape)}, but its layers have {total} weights"
    if ticket.locks is not None and len(ticket.locks) != len(ticket.layers):
        return f"it has {len(ticket.locks)} lock counts for {len(ticket.layers)} layers"
    for layer, (off, on) in zip(ticket.layers, ticket.locks or (), strict=False):
        if min(off, on) < 0 or off + on > layer.size:
            return f"{layer.name} has {layer.size} weights, but locks {off} off and {on} on"
    kept = int(np.count_nonzero(ticket.mask))
    if ticket.values is not None and ticket.values.shape != (kept,):
        return f"it has values of shape {list(ticket.values.shape)} for {kept} kept weights"
    for name, array in ticket.tensors():
        if array.dtype != np.float32 or not all(array.shape) or array.ndim > 8:
            return f"{name} is {array.dtype}{list(array.shape)}, not float32 of at most 8 dimensions, none of them 0"
        if not plain(name):
            return f'{name!r:.60} is not of 1 to 255 printable ASCII characters without space, |, " and \\'
        if not np.isfinite(array).all():
            return f"{name} has a number that is infinite or none at all"
    return _of_names(ticket) or _of_other_values(ticket)


def plain(name: str) -> bool:
    """Whether a name needs no escapes anywhere in the file and separates cleanly from others in a key."""
    return 0 < len(name) <= LONGEST_NAME and all("!" <= c <= "~" and c not in '|"\\' for c in name)


def _of_texts(texts: Iterable[str], longest: int = LONGEST_TEXT) -> str | None:
    for text in texts:
        if len(text) > longest:
            return f"a text of {len(text)} characters is longer than {longest}"
        if _HIDDEN.search(text):
            return f"{text!r:.60} has unprintable characters"
    return None


def _of_meaning(header: Header) -> str | None:
    """Of what inputs and outputs mean."""
    if header.target and len(header.target) != header.outputs:
        return f"it has targets for {len(header.target)} outputs of {header.outputs}"
    if not all(_float32(mean) and _float32(scale) and scale > 0 for mean, scale in header.target):
        return "a target's mean or scale is not a finite float32, or its scale not above 0"
    if header.labels and len(header.labels) != header.outputs:
        return f"it has labels for {len(header.labels)} classes of {header.outputs}"
    if "" in header.labels or len(set(header.labels)) < len(header.labels):
        return "a label is empty, or two are equal"
    return _of_texts(header.labels, LONGEST_LABEL) or _of_scaling(header.scaling, header.input_shape)


def _of_scaling(scaling: Scaling | None, shape: Sequence[int]) -> str | None:
    if scaling is None:
        return None
    if scaling.unit not in UNITS:
        return f"the unit of its scaling is {scaling.unit!r:.60}, neither u8 nor f32"
    if len(scaling.pairs) not in (1, *(shape[:1] if len(shape) in (1, 3) else ())):
        return f"its scaling has {len(scaling.pairs)} pairs for examples of shape {list(shape)}"
    if not all(_float32(gain) and _float32(shift) and gain for gain, shift in scaling.pairs):
        return "a gain or shift of its scaling is not a finite float32, or its gain 0"
    return None


def _of_zeros(header: Header) -> str | None:
    sizes, last = {p.name: p.size for p in header.rest}, ZeroRange("", 0, 0)
    for part in sorted(header.zeros):
        if part.name not in sizes or not 0 <= part.start < part.stop <= sizes[part.name]:
            return f"zeros {list(part)!s:.60} are not a part of a parameter in rest"
        if part.name == last.name and part.start <= last.stop:
            return f"zeros {list(part)!s:.60} follow others too closely"
        last = part
    return None


def _of_names(ticket: TicketFile) -> str | None:
    """Every value has one place; trained ones have another, but for those of the mask and of buffers."""
    names = [name for name, _ in _shapes(ticket)] + [*ticket.buffers, *ticket.fixed_values]
    if len(set(names)) < len(names):
        return "two of its parameters have one name"
    inside = {layer.name for layer in ticket.layers} | ticket.buffers.keys()
    for name in inside & (ticket.rest_values or {}).keys():
        return f"rest.{name} is of a parameter in the mask, or of a buffer"
    return None


def _of_other_values(ticket: TicketFile) -> str | None:
    """Of values outside the mask, against the shapes and zeros that the header states."""
    shapes = dict(_shapes(ticket)) | {name: array.shape for name, array in ticket.fixed_values.items()}
    for name, array in ticket.fixed_values.items():
        bits = np.ascontiguousarray(array).reshape(-1).view(np.uint32)
        if (bits == bits[0]).all():
            return f"fixed.{name} is one number everywhere, which the header says in fewer bytes"
    trained = ticket.rest_values or {}
    for name, array in trained.items():
        if shapes.get(name, array.shape) != array.shape:
            return f"rest.{name} is of shape {list(array.shape)}, not {list(shapes[name])}"
    for name, start, stop in ticket.zeros:
        if name in trained and trained[name].reshape(-1)[start:stop].any():
            return f"rest.{name} is not 0 from {start} to {stop - 1}"
    return None


def _shapes(header: Header) -> list[tuple[str, tuple[int, ...]]]:
    """Names and shapes of all parameters that the header lists."""
    listed = [(layer.name, layer.shape) for layer in header.layers]
    listed += [(drawn.name, drawn.shape) for drawn in header.rest]
    return listed + [(fixed.name, fixed.shape) for fixed in header.fixed]


def _float32(number: float) -> bool:
    return abs(number) <= _LARGEST and float(np.float32(number)) == number


def _few(shape: Sequence[int]) -> str:
    """A shape that nobody has checked yet, short enough for a sentence."""
    return f"{list(shape[:9])!s:.60}"
