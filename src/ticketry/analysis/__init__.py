"""Analyses: what a finished run can be asked afterwards, one question a file."""
