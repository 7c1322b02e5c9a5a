"""Check that every relative link in the Markdown files leads to a file."""

from __future__ import annotations

import re
import sys
from pathlib import Path

LINK = re.compile(r"\]\(([^)#:]+)\)")


def main() -> int:
    """Check them all; 1 if one leads nowhere."""
    broken = 0
    for page in [Path("README.md"), *sorted(Path("docs").glob("*.md"))]:
        links = LINK.findall(page.read_text())
        for link in links:
            if not (page.parent / link).exists():
                broken += 1
                print(f"{page}: {link} leads nowhere", file=sys.stderr)
        print(f"{page}: {len(links)} links")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
