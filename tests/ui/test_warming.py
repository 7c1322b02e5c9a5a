"""What the first frame waits for, and what is loaded in the quiet after it."""

from __future__ import annotations

import subprocess
import sys

from orchestrator_tui.ui.warming import LATER

LOADED = "import sys; {}; print(*(name for name in sys.modules if name.startswith('{}')))"
FOR_ONE_RUN = ("watch.logs", "watch.joined_logs", "watch.log_pages", "watch.greens", "store.git")
HEAVY = ("pydantic", "pygments", "markdown_it", "watchfiles")


def loaded(statement: str, prefix: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", LOADED.format(statement, prefix)],
        check=True,
        capture_output=True,
        text=True,
    )
    return set(done.stdout.split())


def test_the_first_frame_loads_no_screen_that_is_not_on_it() -> None:
    assert not loaded("import orchestrator_tui.ui.app", "orchestrator_tui") & set(LATER)


def test_what_is_loaded_later_is_all_that_the_screens_and_dialogs_need() -> None:
    statement = "from orchestrator_tui.ui import app, warming; warming.load_the_rest()"
    screens = loaded(statement, "orchestrator_tui.ui.screens.")
    # The form is loaded by what it is told.
    told = {f"orchestrator_tui.ui.screens.{name}" for name in ("start", "again", "ending")}
    assert told <= screens
    assert {name for name in LATER if ".screens." in name} <= screens


def test_the_first_frame_loads_nothing_that_reads_logs_or_git() -> None:
    joined = ("watch.feed", "cli.shelf", "cli.logs_when_wanted", "watch.processes")
    statement = "import " + ", ".join(f"orchestrator_tui.{name}" for name in joined)
    names = loaded(statement, "orchestrator_tui")
    assert "orchestrator_tui.watch.details" in names
    assert not names & {f"orchestrator_tui.{name}" for name in FOR_ONE_RUN}


def test_garbage_is_looked_for_again_once_all_is_loaded() -> None:
    loads = "import gc; gc.disable(); from orchestrator_tui.ui.warming import load_the_rest"
    code = f"{loads}; load_the_rest(); sys.exit(not gc.isenabled() or not gc.get_freeze_count())"
    subprocess.run([sys.executable, "-c", f"import sys; {code}"], check=True)


def test_nothing_heavy_is_loaded_for_the_screen() -> None:
    for name in HEAVY:
        assert not loaded("import orchestrator_tui.ui.app", name), name
