"""Attention as the formula that it is, where a fused kernel lacks what is asked of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel


@contextmanager
def unfused() -> Iterator[None]:
    """Inside, torch computes attention by its mathematical kernel, which can be differentiated twice and mapped.

    That is so for `scaled_dot_product_attention`, and for `nn.MultiheadAttention` and `nn.TransformerEncoder`, which
    otherwise take a way of their own where no gradient is wanted.
    """
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
