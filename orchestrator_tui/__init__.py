"""orch-tui: run and watch pipelines from the terminal."""

__version__ = "0.1.0"
