"""Many networks: the fitness of masks, and the kernels that compute it."""
