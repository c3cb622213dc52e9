"""Runs: from an experiment to a directory with a result, resumable."""
