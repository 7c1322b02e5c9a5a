"""What is looked at: the keys that lead there, and what must be seen before the picture."""

from __future__ import annotations

from dataclasses import dataclass

SMALL, WIDE = (80, 24), (140, 40)


@dataclass(frozen=True)
class Scene:
    """A picture; each step is keys to press or, after `until:` and `gone:`, a text to wait for.

    `flags` are those of the program, `sure` is a text that must be on the picture.
    """

    name: str
    steps: tuple[str, ...] = ()
    size: tuple[int, int] = WIDE
    flags: tuple[str, ...] = ()
    sure: str = ""


def to_run(query: str, *steps: str) -> tuple[str, ...]:
    """Return the steps to the screen of the first run that a filter lets through, then others."""
    return (
        "until:live",
        "/",
        query,
        "enter",
        "gone:keep the filter",
        "enter",
        "until:< Runs",
        *steps,
    )


def to_failed(*steps: str) -> tuple[str, ...]:
    """Return the steps to the run that failed, then others."""
    return to_run("pipeline:bindings state:failed", "until:stderr", *steps)


def to_import(*steps: str) -> tuple[str, ...]:
    """Return the steps to the import that goes on, then others."""
    return to_run("pipeline:import state:running", "until:Stages", *steps)


SCENES = (
    Scene("runs", ("until:RUNNING", "wait"), sure="import"),
    Scene("runs-80x24", ("until:RUN", "wait"), SMALL, sure="import"),
    Scene("runs-60x15", ("until:import", "wait"), (60, 15), sure="import"),
    Scene("run", to_import("wait"), sure="Timeline"),
    Scene("failed", to_failed(), sure="exit 1"),
    Scene("failed-80x24", to_failed(), SMALL, sure="exit 1"),
    Scene("log", to_import("L", "until:stdout", "wait"), SMALL),
    Scene("start", ("until:RUNNING", "s", "until:Plan", "wait"), sure="Task"),
    Scene("again", to_failed("r", "until:Resume"), SMALL, sure="New run"),
    Scene("help", ("until:RUN", "?", "until:MOVE"), SMALL, sure="MOVE"),
    Scene("light", ("until:RUNNING", "wait"), flags=("--theme", "light")),
    Scene("high-contrast", ("until:RUN", "wait"), SMALL, ("--theme", "high-contrast")),
    Scene("mono-ascii", ("until:RUN", "wait"), SMALL, ("--theme", "mono", "--ascii")),
)  # fmt: skip
