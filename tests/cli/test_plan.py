"""plan: the stages of a pipeline, without running them."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from tests.cli.conftest import OrchTuiCommand


def test_json_has_the_keys_of_the_node_original(orch_tui: OrchTuiCommand, peer_repo: Path) -> None:
    document = orch_tui("plan", "release", "--format", "json").document
    assert list(document) == ["pipeline", "stages", "plan", "targetId", "orch_tui"]
    assert document["pipeline"]["id"] == "release"
    assert document["stages"][0] == {
        "index": 1,
        "id": "verify",
        "title": "Verify",
        "kind": "subpipeline",
        "pipeline": "diagnostics",
        "optional": False,
    }
    assert document["targetId"] == document["plan"]["targetId"] == "release:verify"
    assert [item["selected"] for item in document["plan"]["items"]] == [True, False]


def test_the_stage_in_focus_can_be_named_both_ways(
    orch_tui: OrchTuiCommand, peer_repo: Path
) -> None:
    for target in ("publish", "release:publish"):
        document = orch_tui("plan", "release", "--target", target, "--format", "json").document
        assert document["targetId"] == "release:publish"


def test_stage_sets_are_shown_as_their_stages_and_nothing_is_written(
    orch_tui: OrchTuiCommand, peer_repo: Path
) -> None:
    before = sorted(peer_repo.rglob("*"))
    out = orch_tui("plan").out
    assert [line.split()[1] for line in out.splitlines() if "/4 " in line] == [
        "build",
        "lint",
        "unit",
        "spec-guard",
    ]
    assert sorted(peer_repo.rglob("*")) == before


def test_an_unknown_pipeline_is_answered_with_those_that_are_there(
    orch_tui: OrchTuiCommand, peer_repo: Path
) -> None:
    ended = orch_tui("plan", "nope")
    assert (ended.status, ended.out) == (3, "")
    assert ended.err.startswith("orch-tui: Pipeline 'nope' not found.")
    assert "diagnostics, flaky" in ended.err
    assert orch_tui("plan", "release", "--target", "nope").status == 3


def test_a_pipeline_with_a_mistake_is_told_where_another_one_is_not_found(
    orch_tui: OrchTuiCommand, repo: Path
) -> None:
    stage = b'{"kind": "comand", "id": "x", "title": "X", "command": "true"}'
    config = b'{"pipelines": [{"id": "a", "title": "A", "stages": [' + stage + b"]}]}"
    (repo / "codex.orchestrator.json").write_bytes(config)
    ended = orch_tui("plan")
    assert (ended.status, ended.out) == (3, "")
    assert "'diagnostics' not found" in ended.err
    assert "defaultPipeline" in ended.err
    assert "'comand'" in ended.err


@pytest.mark.parametrize(
    "content", [None, b"{", b'{"pipelines": {}}', b'{"pipelines": [{"id": "diagnostics"}]}']
)
def test_a_configuration_that_cannot_be_used_is_told_with_its_name(
    orch_tui: OrchTuiCommand, repo: Path, content: bytes | None
) -> None:
    if content is not None:
        (repo / "codex.orchestrator.json").write_bytes(content)
    ended = orch_tui("plan", "diagnostics")
    assert (ended.status, ended.out) == (2, "")
    assert "codex.orchestrator.json" in ended.err


def test_the_demonstration_has_pipelines_that_can_be_run(orch_tui: OrchTuiCommand) -> None:
    project = Path(__file__).parent.parent.parent / "scripts" / "demo_project"
    config = orjson.loads((project / "codex.orchestrator.json").read_bytes())
    assert len(config["pipelines"]) >= 5
    for pipeline in config["pipelines"]:
        assert orch_tui("plan", pipeline["id"], "--repo", str(project)).status == 0


def stage(**fields: object) -> dict[str, object]:
    return {"kind": "command", "id": "a", "title": "A", "command": "touch begun"} | fields


UNUSABLE = {
    "no kind": ({"id": "x", "command": "touch begun"}, 'stage 1 ("x"): "kind" is missing'),
    "no id": ({"kind": "command", "command": "touch begun"}, 'stage 1: "id" is missing'),
    "no command": ({"kind": "command", "id": "x"}, 'stage 1 ("x"): "command" is missing'),
    "itself": ({"kind": "subpipeline", "id": "x", "pipeline": "bad"}, "would run without end"),
    "round about": ({"kind": "subpipeline", "id": "x", "pipeline": "next"}, "bad → next → bad"),
    "unknown set": (
        {"kind": "stage-set", "ref": "gone"},
        'Pipeline "bad" references unknown stage set "gone".',
    ),
    "nested set": (
        {"kind": "stage-set", "ref": "nested"},
        'Stage set "nested" cannot include stage-set references.',
    ),
}


@pytest.mark.acceptance(74, 75, 99)
@pytest.mark.parametrize(("entry", "text"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_pipeline_that_cannot_work_starts_nothing_at_all(
    orch_tui: OrchTuiCommand, repo: Path, entry: dict[str, object], text: str
) -> None:
    document = {
        "defaultPipeline": "good",
        "pipelines": [
            {"id": "good", "title": "Good", "stages": [stage()]},
            {"id": "bad", "title": "Bad", "stages": [entry]},
            {
                "id": "next",
                "title": "Next",
                "stages": [{"kind": "subpipeline", "id": "y", "pipeline": "bad"}],
            },
        ],
        "stageSets": {"nested": [{"kind": "stage-set", "ref": "nested"}]},
    }
    (repo / "codex.orchestrator.json").write_bytes(orjson.dumps(document))
    for arguments in (("start", "bad"), ("start", "bad", "--detach")):
        ended = orch_tui(*arguments)
        assert (ended.status, ended.out) == (2, "")
        assert text in ended.err
    assert sorted(path.name for path in repo.iterdir()) == [".git", "codex.orchestrator.json"]


@pytest.mark.acceptance(74)
def test_pipelines_that_are_no_list_start_nothing(orch_tui: OrchTuiCommand, repo: Path) -> None:
    (repo / "codex.orchestrator.json").write_text('{"pipelines": {}}')
    ended = orch_tui("start", "bad")
    assert (ended.status, ended.out) == (2, "")
    assert not (repo / ".runs").exists()


def test_a_key_that_looks_like_a_slip_is_told_beside_the_plan_and_by_doctor(
    orch_tui: OrchTuiCommand, repo: Path
) -> None:
    config = {"pipelines": [{"id": "diagnostics", "stages": [stage(allow_failure=True)]}]}
    (repo / "codex.orchestrator.json").write_bytes(orjson.dumps(config))
    told = '"allow_failure" is not known and changes nothing; did you mean allowFailure?'
    ended = orch_tui("plan", "--format", "json")
    assert ended.status == 0
    assert orjson.loads(ended.out)["stages"][0]["allowFailure"] is False
    assert told in ended.err
    assert told in orch_tui("doctor").out
