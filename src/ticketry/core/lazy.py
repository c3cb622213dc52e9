"""torch, imported when first used: a method file can be read for its flags without the second that torch takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch as torch
else:

    class _Lazy:
        """Stands for a module and imports it at the first attribute access."""

        def __init__(self, name: str) -> None:
            self._name = name

        def __getattr__(self, attribute: str) -> object:
            from importlib import import_module

            return getattr(import_module(self._name), attribute)

    torch = _Lazy("torch")
