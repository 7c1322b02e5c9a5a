"""python -m orchestrator_tui: the same as the command `orch-tui`."""

from orchestrator_tui.cli.main import main

if __name__ == "__main__":
    main()
