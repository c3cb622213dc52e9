"""Files of data with bytes changed, cut out and put in: arrays or one sentence, whatever they are."""

from __future__ import annotations

import gzip
import io
import random
import warnings
from pathlib import Path

import numpy as np
import pytest
from tests.data.test_idx import X, idx

from ticketry.core.errors import RequestError
from ticketry.data import files


def archive(compressed: bool) -> bytes:
    stream = io.BytesIO()
    save = np.savez_compressed if compressed else np.savez
    save(stream, X=np.arange(60, dtype=np.float32).reshape(20, 3), y=np.arange(20) % 3)
    return stream.getvalue()


WHOLE = {"x.npz": archive(False), "packed.npz": archive(True), "idx": idx(X), "idx.gz": gzip.compress(idx(X))}
EXTREME = (b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f")


def mutated(content: bytes, draw: random.Random) -> bytes:
    found = bytearray(content)
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(found) or 1)
        kind = draw.random()
        if kind < 0.5:
            found[at : at + 1] = bytes([draw.choice([0, 1, 127, 128, 255, draw.randrange(256)])])
        elif kind < 0.7:
            del found[at : at + draw.randint(1, 20)]
        elif kind < 0.85:
            found[at:at] = draw.randbytes(draw.randint(1, 8))
        else:
            found[at : at + 4] = draw.choice(EXTREME)
    return bytes(found)


@pytest.mark.parametrize("rounds", [300, pytest.param(10_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", WHOLE)
def test_a_changed_file_is_read_or_refused_in_a_sentence(name: str, rounds: int, tmp_path: Path) -> None:
    draw, path, said = random.Random(0), tmp_path / name, []
    for _ in range(rounds):
        path.write_bytes(mutated(WHOLE[name], draw))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy's, about headers of its first versions
            try:
                files.npz(path) if name.endswith("npz") else files.idx_array(path)
            except RequestError as error:
                said.append(str(error))
    assert 0 < len(said) < rounds
    assert all("\n" not in one and len(one) < 1000 for one in said)
