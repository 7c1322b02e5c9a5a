"""Pixels and keys: draws the fleet and turns keys into requests."""
