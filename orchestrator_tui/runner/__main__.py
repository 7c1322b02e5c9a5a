"""python -m orchestrator_tui.runner: the detached runner process of `runner.detached`."""

from __future__ import annotations

import importlib
import sys

from orchestrator_tui.primitives.garbage import look_for_none

if __name__ == "__main__":
    look_for_none()
    sys.exit(importlib.import_module("orchestrator_tui.runner.detached").main())
