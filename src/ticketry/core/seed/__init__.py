"""What a seed gives: generator, named streams, quantiles, weights and lock patterns. NumPy only."""
