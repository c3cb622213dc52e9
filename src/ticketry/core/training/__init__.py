"""Weights trained under masks."""
