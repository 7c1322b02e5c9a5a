"""ConfigMemory: an unchanged configuration is checked once, a changed one is seen at once."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator_tui.primitives.clock import SYSTEM_CLOCK
from orchestrator_tui.primitives.steps import Step
from orchestrator_tui.records.paths import Roots
from orchestrator_tui.records.pipeline import ConfigProblem, OrchestratorConfig
from orchestrator_tui.store.configuration import CONFIG_PATH_VARIABLE, load_config
from orchestrator_tui.store.configuration_checks import config_of
from orchestrator_tui.store.configuration_memory import KEPT, ConfigMemory
from tests.fakes import HandClock
from tests.fault_plans import FailingStep, installed
from tests.store.conftest import FIXTURES, got, put

Found = OrchestratorConfig | ConfigProblem | None
STAGE = {"kind": "command", "id": "a", "command": "true"}


def document(command: str = "true", **more: Any) -> dict[str, Any]:
    return {"pipelines": [{"id": "p", "stages": [{**STAGE, "command": command, **more}]}]}


@dataclass
class Checks:
    """A memory, and how often it had to have a configuration checked."""

    memory: ConfigMemory
    path: Path
    count: int = 0

    def load(self) -> Found:
        def check() -> Found:
            self.count += 1
            return config_of(got(self.path), self.path.name)

        return self.memory.checked(self.path, self.path.name, check)

    @property
    def command(self) -> str:
        found = self.load()
        assert isinstance(found, OrchestratorConfig)
        stage = found.pipelines[0].stages[0]
        return getattr(stage, "command", "")


@pytest.fixture
def later() -> HandClock:
    """Return a clock for which what is written now has rested."""
    return HandClock(datetime.now(UTC) + timedelta(seconds=60))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "configurations"


@pytest.fixture
def checks(tmp_path: Path, folder: Path, later: HandClock) -> Checks:
    put(tmp_path / "codex.orchestrator.json", document())
    return Checks(ConfigMemory(folder, later), tmp_path / "codex.orchestrator.json")


def test_what_was_checked_is_told_again_without_a_check(checks: Checks) -> None:
    first, second = checks.load(), checks.load()
    assert first == second == config_of(document(), "codex.orchestrator.json")
    assert checks.count == 1


def test_a_file_that_cannot_be_looked_at_is_checked(checks: Checks) -> None:
    checks.load()
    with installed(FailingStep(Step.STAT, errno.EIO)):
        assert checks.memory.checked(checks.path, "x", lambda: None) is None


def test_a_changed_file_is_seen_at_once(checks: Checks) -> None:
    assert [checks.command, checks.command] == ["true", "true"]
    put(checks.path, document("echo"))
    assert checks.command == "echo"


def test_a_change_that_leaves_length_and_time_alone_is_seen(checks: Checks) -> None:
    before = checks.path.stat()
    assert checks.command == "true"
    checks.path.write_bytes(checks.path.read_bytes().replace(b'"true"', b'"echo"'))
    os.utime(checks.path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert checks.path.stat().st_size == before.st_size
    assert checks.command == "echo"


def test_a_file_that_was_just_written_is_not_remembered(tmp_path: Path, folder: Path) -> None:
    put(tmp_path / "codex.orchestrator.json", document())
    checks = Checks(ConfigMemory(folder, SYSTEM_CLOCK), tmp_path / "codex.orchestrator.json")
    assert checks.load() == checks.load()
    assert checks.count == 2
    assert not folder.exists()


def test_a_file_from_the_future_is_not_remembered(checks: Checks, folder: Path) -> None:
    ahead = datetime.now(UTC) + timedelta(days=1)
    os.utime(checks.path, (ahead.timestamp(), ahead.timestamp()))
    checks.load()
    assert not folder.exists()


def test_a_file_that_changes_while_it_is_checked_is_not_remembered(checks: Checks) -> None:
    def check() -> Found:
        found = config_of(got(checks.path), "x")
        put(checks.path, document("echo"))
        return found

    checks.memory.checked(checks.path, checks.path.name, check)
    assert checks.command == "echo"


def cut(place: Path) -> None:
    place.write_bytes(place.read_bytes()[:-40])


def flip(place: Path) -> None:
    content = place.read_bytes()
    place.write_bytes(content.replace(b'"command":"true"', b'"command":"trap"'))


def empty(place: Path) -> None:
    place.write_bytes(b"")


def nonsense(place: Path) -> None:
    place.write_bytes(b"\xff\0 {}")


def others_may_write(place: Path) -> None:
    place.chmod(0o622)


def others_may_write_beside_it(place: Path) -> None:
    place.parent.chmod(0o770)


def link(place: Path) -> None:
    place.rename(place.with_name("aside"))
    place.symlink_to("aside")


@pytest.mark.parametrize(
    "spoil", [cut, flip, empty, nonsense, others_may_write, others_may_write_beside_it, link]
)
def test_what_is_damaged_or_could_be_foreign_counts_as_not_there(
    checks: Checks, folder: Path, spoil: Callable[[Path], None]
) -> None:
    good = checks.load()
    (place,) = folder.iterdir()
    spoil(place)
    assert checks.load() == good
    assert checks.count == 2


def test_what_another_user_owns_is_not_trusted(
    checks: Checks, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks.load()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    checks.load()
    assert checks.count == 2


def test_another_installation_of_the_program_checks_anew(
    checks: Checks, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks.load()
    monkeypatch.setattr("orchestrator_tui.store.configuration_memory.__version__", "0.0.0")
    checks.load()
    assert checks.count == 2


def test_two_files_that_share_a_place_are_not_mixed_up(
    checks: Checks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zlib.crc32", lambda content: len(content) * 0)
    put(tmp_path / "other.json", document("echo"))
    other = Checks(checks.memory, tmp_path / "other.json")
    assert [checks.command, other.command, checks.command] == ["true", "echo", "true"]


def test_only_so_many_are_remembered(tmp_path: Path, folder: Path, later: HandClock) -> None:
    memory = ConfigMemory(folder, later)
    for number in range(KEPT + 3):
        path = put(tmp_path / f"{number}.json", document())
        Checks(memory, path).load()
    assert len(list(folder.iterdir())) == KEPT


def test_a_folder_that_refuses_stops_nothing(tmp_path: Path, later: HandClock) -> None:
    (tmp_path / "cache").write_text("a file")
    path = put(tmp_path / "codex.orchestrator.json", document())
    checks = Checks(ConfigMemory(tmp_path / "cache" / "configurations", later), path)
    assert checks.load() == checks.load()
    assert checks.count == 2


def test_a_number_that_json_cannot_hold_is_not_remembered(checks: Checks) -> None:
    put(checks.path, document(timeoutMs=1e30))
    assert checks.load() == checks.load()
    assert checks.count == 2


def test_problems_and_everything_else_are_remembered_too(
    tmp_path: Path, folder: Path, later: HandClock
) -> None:
    roots = Roots.of(tmp_path)
    source = FIXTURES / "node-peer/codex.orchestrator.json"
    whole = got(source)
    whole["pipelines"].append({"id": "bad", "stages": []})
    whole["orchTui"] = {"killGraceSeconds": 2.5, "logs": {"maxBytesPerStage": 70_000}}
    put(tmp_path / "ci" / "flows.json", whole)
    environ = {CONFIG_PATH_VARIABLE: "ci/flows.json"}
    memory = ConfigMemory(folder, later)
    first = load_config(roots, environ, memory)
    assert list(folder.iterdir())
    assert first == load_config(roots, environ, memory) == load_config(roots, environ)
    assert isinstance(first, OrchestratorConfig) and first.problems["bad"].path == "ci/flows.json"


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
stages = st.fixed_dictionaries(
    {"kind": st.just("command"), "id": texts, "command": texts},
    optional={
        "title": texts,
        "cwd": texts,
        "env": st.dictionaries(texts, texts, max_size=2),
        "timeoutMs": st.integers(-5, 10**6) | st.floats(allow_nan=False),
        "allowFailure": st.booleans(),
        "summaryHint": texts,
    },
) | st.fixed_dictionaries(
    {"kind": st.just("subpipeline"), "id": texts, "pipeline": st.sampled_from(["p", "q"])},
    optional={"optional": st.booleans()},
)
pipelines = st.fixed_dictionaries(
    {"id": st.sampled_from(["p", "q", "r"]), "stages": st.lists(stages, max_size=3)},
    optional={
        "title": texts,
        "tags": st.lists(texts, max_size=2),
        "description": texts,
        "guardrailsRequired": st.booleans(),
    },
)


@given(st.lists(pipelines, max_size=3), texts)
@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_what_is_remembered_is_what_a_check_says(
    tmp_path: Path, folder: Path, entries: list[Any], default: str
) -> None:
    later = HandClock(datetime.now(UTC) + timedelta(seconds=60))
    path = put(tmp_path / "c.json", {"pipelines": entries, "defaultPipeline": default})
    checks = Checks(ConfigMemory(folder, later), path)
    assert checks.load() == checks.load() == config_of(got(path), path.name)
    assert checks.count <= 2


def test_a_remembered_configuration_is_used_without_pydantic(
    tmp_path: Path, later: HandClock
) -> None:
    roots = Roots.of(tmp_path)
    put(tmp_path / "codex.orchestrator.json", document())
    load_config(roots, {}, ConfigMemory(tmp_path / "memory", later))
    code = (
        "import sys; from pathlib import Path\n"
        "from orchestrator_tui.records.paths import Roots\n"
        "from orchestrator_tui.store.configuration import load_config\n"
        "from orchestrator_tui.store.configuration_memory import ConfigMemory\n"
        "here = Path(sys.argv[1])\n"
        "config = load_config(Roots.of(here), {}, ConfigMemory(here / 'memory'))\n"
        "print(config.pipelines[0].id, 'pydantic' in sys.modules)"
    )
    words = [sys.executable, "-c", code, str(tmp_path)]
    assert subprocess.check_output(words, text=True).split() == ["p", "False"]
