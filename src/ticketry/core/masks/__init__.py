"""Which weights: the searched space, masks and their selection, packed bits, layer-wise allocation."""
