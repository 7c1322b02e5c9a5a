"""List data files without a licence note; the project lives with the finding for now."""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> int:
    """Look at every data file; 3 if one has no `.license` beside it."""
    without = [
        path for path in sorted(Path("docs").glob("*.csv")) if not Path(f"{path}.license").exists()
    ]
    for path in without:
        print(f"{path}: warning: no licence note beside this file", file=sys.stderr)
    print(f"{len(without)} files without a licence note")
    return 3 if without else 0


if __name__ == "__main__":
    sys.exit(main())
