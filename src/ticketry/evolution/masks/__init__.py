"""Genetic search over packed masks: operators, generations, archive, sparsifier."""
