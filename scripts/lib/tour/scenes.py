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
    # The list of runs
    Scene("runs", ("until:RUNNING", "wait"), sure="~/tideline"),
    Scene("runs-80x24", ("until:RUN", "wait"), SMALL, sure="import"),
    Scene("runs-60x15", ("until:import", "wait"), (60, 15), sure="import"),
    Scene("marked", ("until:▸ RUN", "/", "state:running", "enter", "gone:keep the filter",
                     "space", "j", "space", "x", "until:Cancel 2 runs", "wait"), SMALL),
    Scene("grouped", ("until:RUNNING", "b", "b", "wait"), sure="bindings"),
    Scene("sort", ("until:RUN", "S", "wait"), SMALL),
    Scene("views", ("until:RUN", "V", "until:Needs me"), SMALL),
    # A run
    Scene("run", to_import("wait"), sure="Timeline"),
    Scene("run-80x24", to_import("wait"), SMALL),
    Scene("failed", to_failed(), sure="changed"),
    Scene("failed-80x24", to_failed(), SMALL, sure="exit 1"),
    Scene("timeline", to_run("pipeline:import state:succeeded", "T", "until:expected"), SMALL),
    Scene("plan", to_failed("P", "wait"), sure="Plan"),
    Scene("children", to_run("pipeline:release", "until:Children", *["]"] * 6, "wait"), SMALL),
    Scene("artifacts", to_failed("[", "[", "wait"), SMALL, sure="manifest.json"),
    Scene("events", to_failed("[", "[", "[", "wait"), SMALL),
    # A log
    Scene("log", to_import("L", "wait"), SMALL, sure="FOLLOW"),
    Scene("log-wide", to_failed("L", "wait", "/", "invalid", "enter", "wait"), sure="hits"),
    # What asks before it acts
    Scene("start", ("until:live", "until:RUNNING", "s", "until:Plan", "wait"), sure="Task"),
    Scene("start-80x24", ("until:live", "until:RUN", "s", "until:Plan", "wait"), SMALL,
          sure="Task"),
    Scene("again", to_failed("r", "until:Resume"), SMALL, sure="New run"),
    Scene("cancel", to_import("x", "until:Cancel"), SMALL, sure="SIGKILL"),
    Scene("kill", to_import("X", "until:kill 1"), SMALL),
    Scene("quit", ("until:RUN", "Q", "until:Quit"), SMALL),
    Scene("copy", to_failed("y", "until:Error card"), SMALL),
    # Around them
    Scene("activity", ("until:live", "until:RUN", "s", "until:enter take it", "enter",
                       "until:enter start it",
                       "wait", "enter", "gone:Start a run", "wait", "5", "until:newest", "wait"),
          SMALL),
    Scene("help", ("until:RUN", "?", "until:MOVE"), SMALL, sure="MOVE"),
    Scene("commands", ("until:RUN", ":", "until:Start", "wait"), SMALL),
    Scene("light", ("until:RUNNING", "wait"), flags=("--theme", "light")),
    Scene("high-contrast", to_failed(), SMALL, ("--theme", "high-contrast")),
    Scene("colour-blind", ("until:RUN", "wait"), SMALL, ("--theme", "cvd-dark")),
    Scene("mono-ascii", ("until:RUN", "wait"), SMALL, ("--theme", "mono", "--ascii")),
)  # fmt: skip
