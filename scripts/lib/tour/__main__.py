"""./scripts/tour: draw the screens of the real program."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.terminals import RealTerminal
from tour.picture import FontMissing, draw
from tour.repository import (
    ROOT,
    Repository,
    end_present,
    give_past,
    give_present,
    make_repository,
)
from tour.scenes import SCENES, Scene

PICTURES = ROOT / "docs" / "pictures"
SETTLE_S = 1.5  # for what a screen shows after the text that is waited for


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the pictures that are named, or all."""
    parser = argparse.ArgumentParser(prog="scripts/tour", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="pictures; else all")
    parser.add_argument("--into", type=Path, default=PICTURES, help="the folder of the pictures")
    parser.add_argument("--quick", action="store_true", help="without a past: for a look")
    parser.add_argument("--list", action="store_true", help="print the names")
    asked = parser.parse_args(arguments)
    known = [scene.name for scene in SCENES]
    if asked.list:
        print("\n".join(known))
        return 0
    if unknown := set(asked.names) - set(known):
        parser.error(f"no such picture: {', '.join(sorted(unknown))}; --list prints all")
    scenes = [scene for scene in SCENES if scene.name in (asked.names or known)]
    with tempfile.TemporaryDirectory(prefix="tour-", ignore_cleanup_errors=True) as folder:
        repository = make_repository(Path(folder))
        if not asked.quick:
            print("making runs, some two minutes ...", file=sys.stderr)
            give_past(repository)
        try:
            missed = [scene for scene in scenes if not taken(repository, scene, asked.into)]
        except FontMissing as error:
            print(error, file=sys.stderr)
            return 1
        finally:
            end_present(repository)
    return 1 if missed else 0


def taken(repository: Repository, scene: Scene, folder: Path) -> bool:
    """Draw one scene and say so, or say why not."""
    path = folder / f"{scene.name}.png"
    give_present(repository)
    try:
        take(repository, scene, path)
    except AssertionError as error:
        print(f"{scene.name}: {error}", file=sys.stderr)
        return False
    print(path, flush=True)
    return True


def take(repository: Repository, scene: Scene, path: Path) -> None:
    """Open the program, go where the scene is, and draw it."""
    command = repository.orch_tui(*scene.flags)
    with RealTerminal(command, size=scene.size, environ=repository.environ) as terminal:
        for step in scene.steps:
            if step.startswith("until:"):
                terminal.until(step.removeprefix("until:"))
            elif step.startswith("gone:"):
                terminal.until_gone(step.removeprefix("gone:"))
            elif step == "wait":
                terminal.pump(SETTLE_S)
            else:
                terminal.type(step)
        terminal.pump(0.4)
        assert scene.sure in terminal.text, f"{scene.sure!r} is not on it:\n{terminal.text}"
        draw(terminal.screen, path)
        terminal.type("ctrl+c", "ctrl+c")
        terminal.wait(10)


if __name__ == "__main__":
    sys.exit(main())
