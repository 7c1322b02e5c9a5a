"""Mechanisms that know bytes, paths and time, never runs."""
