"""Benchmarks: each subject measures cases in turn and holds their ratios against goals."""
