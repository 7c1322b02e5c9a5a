"""Shapes on disk: what the files of a run say, as frozen values."""
