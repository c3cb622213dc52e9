"""Whether a ticket is more than its layer densities, signs, weights or size: controls and their verdicts."""
