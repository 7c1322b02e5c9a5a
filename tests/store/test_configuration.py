"""Configuration: good pipelines stay launchable, bad ones tell where and how to mend them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator_tui.records.paths import Roots
from orchestrator_tui.records.pipeline import (
    CommandStage,
    ConfigProblem,
    OrchestratorConfig,
    Pipeline,
    RunnerLimits,
    SubpipelineStage,
)
from orchestrator_tui.store.configuration import CONFIG_PATH_VARIABLE, load_config
from orchestrator_tui.store.configuration_checks import config_of, whole_timeout_ms
from orchestrator_tui.store.configuration_doubts import doubts_about
from tests.store.conftest import FIXTURES, got, put

Json = dict[str, Any]


def command(name: Any = "a", **more: Any) -> Json:
    return {"kind": "command", "id": name, "command": "true", **more}


def child(pipeline: str, **more: Any) -> Json:
    return {"kind": "subpipeline", "id": f"run-{pipeline}", "pipeline": pipeline, **more}


def stage_set(ref: Any) -> Json:
    return {"kind": "stage-set", "ref": ref}


def pipeline(name: str, *stages: Any, **more: Any) -> Json:
    return {"id": name, "title": name.title(), "stages": list(stages), **more}


def checked(*pipelines: Any, **more: Any) -> OrchestratorConfig:
    found = config_of({"pipelines": list(pipelines), **more}, "codex.orchestrator.json")
    assert isinstance(found, OrchestratorConfig)
    return found


def problem_of(*pipelines: Any, **more: Any) -> str:
    """Return what is wrong with the first pipeline."""
    config = checked(*pipelines, **more)
    (first, *_) = config.problems.values()
    assert first.text.startswith("codex.orchestrator.json: ")
    return first.text.removeprefix("codex.orchestrator.json: ")


def whole_problem(document: Json) -> str:
    found = config_of(document, "codex.orchestrator.json")
    assert isinstance(found, ConfigProblem)
    return found.text


# --- good ones -----------------------------------------------------------------------------------


@pytest.mark.acceptance(74)
def test_the_configuration_of_the_node_original_is_read_with_its_sets_in_place() -> None:
    config = config_of(got(FIXTURES / "node-peer/codex.orchestrator.json"), "x")
    assert isinstance(config, OrchestratorConfig)
    assert not config.problems
    assert [p.id for p in config.pipelines] == [
        "diagnostics", "flaky", "release", "broken-release", "soak",
    ]  # fmt: skip
    diagnostics = config.pipeline("diagnostics")
    assert diagnostics is not None
    assert [stage.id for stage in diagnostics.stages] == ["build", "lint", "unit", "spec-guard"]
    assert diagnostics.description == "Build, lint and test the repository."
    assert (diagnostics.tags, diagnostics.guardrails_required) == (("diagnostics-primary",), False)


def test_every_field_of_a_stage_is_kept() -> None:
    entry = command(
        title="Build",
        cwd="sub",
        env={"CI": "1"},
        timeoutMs=1000.9,
        allowFailure=True,
        summaryHint="Built",
        session={"id": "x"},
    )
    (only,) = checked(
        pipeline("p", entry, child("q", optional=True)), pipeline("q", command())
    ).pipelines[:1]
    assert only.stages == (
        CommandStage("a", "Build", "true", "sub", {"CI": "1"}, 1000, True, "Built"),
        SubpipelineStage("run-q", "run-q", "q", True),
    )


def test_absent_and_null_fields_mean_the_defaults() -> None:
    bare = {
        "id": "p",
        "stages": [command(title=None, cwd=None, env=None, timeoutMs=None)],
        "tags": None,
    }
    (only,) = checked(bare).pipelines
    assert only == Pipeline("p", "p", (CommandStage("a", "a", "true"),))


def test_unknown_keys_are_tolerated_everywhere() -> None:
    config = checked(
        pipeline("p", command(session={"reuse": True}, shard=3), metadata={}, goal=1),
        design={},
        orchTui={"colour": "blue"},
    )
    assert not config.problems


def test_a_configuration_without_pipelines_offers_none() -> None:
    assert checked() == OrchestratorConfig()
    assert config_of({}, "x") == OrchestratorConfig()
    assert config_of({"pipelines": None, "runtimeMode": " APPSERVER "}, "x") == OrchestratorConfig()


def test_the_default_pipeline_is_the_files_or_the_node_originals() -> None:
    assert checked().default_pipeline == "diagnostics"
    assert checked(defaultPipeline="build").default_pipeline == "build"


@pytest.mark.acceptance(64)
@pytest.mark.parametrize(
    ("value", "whole"),
    [
        (1234, 1234),
        (1.9, 1),
        (0, None),
        (-5, None),
        (0.5, None),
        (float("inf"), None),
        (None, None),
    ],
)
def test_a_time_limit_is_whole_and_positive_or_none(value: float | None, whole: int | None) -> None:
    assert whole_timeout_ms(value) == whole


def test_a_pipeline_run_twice_is_no_circle() -> None:
    config = checked(
        pipeline("a", child("b"), {**child("c"), "id": "second"}),
        pipeline("b", child("c")),
        pipeline("c", command()),
    )
    assert not config.problems


# --- bad pipelines -------------------------------------------------------------------------------


@pytest.mark.acceptance(75)
@pytest.mark.parametrize(
    ("stage", "text"),
    [
        (
            {"id": "lint", "command": "x"},
            'pipeline "p", stage 2 ("lint"): "kind" is missing; write "kind": "command"',
        ),
        (
            {"kind": "command", "command": "x"},
            'pipeline "p", stage 2: "id" is missing; give it an id',
        ),
        (
            {"kind": "command", "id": "lint"},
            'stage 2 ("lint"): "command" is missing; write the shell command',
        ),
        (command("lint", command=""), '"command" is empty'),
        (command("lint", command=["a"]), '"command" is not a text'),
        (command("lint", command=None), '"command" is missing'),
        (command(7), '"id" is not a text'),
        (command("lint", timeoutMs="5"), '"timeoutMs" is not a number; write a number'),
        (command("lint", timeoutMs=True), '"timeoutMs" is not a number'),
        (command("lint", env={"A": 1}), '"env.A" is not a text'),
        (command("lint", env={"A=B": "1"}), "may not stand there"),
        (command("lint", env=["A"]), '"env" is not an object'),
        (command("lint", allowFailure="yes"), '"allowFailure" is neither true nor false'),
        (command("lint", cwd=""), '"cwd" is empty'),
        ({"kind": "subpipeline", "id": "lint"}, '"pipeline" is missing; name the pipeline to run'),
        (
            {"kind": "docker", "id": "lint"},
            "\"kind\" is 'docker', which is not known; write command",
        ),
        ({"kind": ["command"], "id": "lint"}, "which is not known"),
        ("lint", "stage 2 is not an object"),
        (command("first"), 'stage 2: the id "first" is that of stage 1 too; give one'),
        ({"kind": "command"}, "(also wrong: command)"),
    ],
)
def test_a_bad_stage_is_told_with_pipeline_place_and_cure(stage: Any, text: str) -> None:
    assert text in problem_of(pipeline("p", command("first"), stage))


@pytest.mark.acceptance(75)
@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (pipeline("p"), 'pipeline "p": "stages" is empty; list at least one stage'),
        ({"id": "p"}, 'pipeline "p": "stages" is missing; list at least one stage'),
        ({"id": "p", "stages": {}}, 'pipeline "p": "stages" is not a list'),
        ({"stages": [command()]}, 'pipelines[0]: "id" is missing; give the pipeline an id'),
        ({"id": "", "stages": [command()]}, 'pipelines[0]: "id" is missing'),
        ("p", 'pipelines[0]: "id" is missing'),
        (pipeline("p", command(), guardrailsRequired="no"), '"guardrailsRequired" is neither true'),
        (pipeline("p", command(), title=3), '"title" is not a text'),
    ],
)
def test_a_bad_pipeline_is_told(entry: Any, text: str) -> None:
    assert text in problem_of(entry)


def test_one_bad_pipeline_leaves_the_others_launchable() -> None:
    config = checked(pipeline("good", command()), pipeline("bad"), pipeline("fine", command()))
    assert [p.id for p in config.pipelines] == ["good", "fine"]
    assert list(config.problems) == ["bad"]
    assert config.pipeline("bad") is None


def test_two_pipelines_of_one_id_are_both_refused() -> None:
    config = checked(pipeline("p", command()), pipeline("q", command()), pipeline("p", command()))
    assert [p.id for p in config.pipelines] == ["q"]
    assert "there twice, pipelines[0] and pipelines[2]" in config.problems["p"].text


def test_problems_stand_in_the_order_of_the_file() -> None:
    config = checked(pipeline("c", child("gone")), 3, pipeline("b"), pipeline("a", child("a")))
    assert list(config.problems) == ["c", "pipelines[1]", "b", "a"]


# --- stage sets ----------------------------------------------------------------------------------


@pytest.mark.acceptance(74)
@pytest.mark.parametrize(
    ("ref", "text"),
    [
        ("gone", 'Pipeline "p" references unknown stage set "gone".'),
        ("nested", 'Stage set "nested" cannot include stage-set references.'),
        ("odd", 'Stage set "odd" must be an array.'),
        (None, 'Pipeline "p" references unknown stage set "None".'),
        ({}, "references unknown stage set"),
    ],
)
def test_bad_stage_sets_are_told_in_the_node_originals_words(ref: Any, text: str) -> None:
    sets = {"good": [command()], "nested": [stage_set("good")], "odd": 3}
    assert text in problem_of(pipeline("p", stage_set(ref)), stageSets=sets)


def test_a_bad_stage_in_a_set_names_set_and_user() -> None:
    text = problem_of(pipeline("p", stage_set("s")), stageSets={"s": [command(), {"id": "b"}]})
    assert text.startswith('stage set "s", used by pipeline "p", stage 2 ("b"): "kind" is missing')


def test_ids_are_compared_after_the_sets_are_in_place() -> None:
    text = problem_of(pipeline("p", command(), stage_set("s")), stageSets={"s": [command()]})
    assert 'stage 2: the id "a" is that of stage 1 too' in text


# --- sub-pipelines -------------------------------------------------------------------------------


@pytest.mark.acceptance(98)
def test_a_sub_pipeline_that_is_missing_is_told_before_anything_starts() -> None:
    text = problem_of(pipeline("p", command(), child("nope")))
    assert text.startswith('pipeline "p", stage 2 ("run-nope"): Pipeline \'nope\' not found.')


@pytest.mark.acceptance(99)
def test_a_pipeline_that_contains_itself_is_told_with_the_chain() -> None:
    assert "would run without end: p → p" in problem_of(pipeline("p", child("p")))
    config = checked(
        pipeline("a", child("b")),
        pipeline("b", command(), child("c")),
        pipeline("c", child("a")),
        pipeline("outside", child("b")),
        pipeline("safe", command()),
    )
    assert [p.id for p in config.pipelines] == ["safe"]
    assert "a → b → c → a" in config.problems["a"].text
    assert "b → c → a → b" in config.problems["b"].text
    assert "outside → b → c → a → b" in config.problems["outside"].text


def test_a_pipeline_that_needs_a_bad_one_cannot_run_either() -> None:
    config = checked(pipeline("a", child("b")), pipeline("b", child("c")), pipeline("c"))
    assert 'cannot run (a → b → c): pipeline "c": "stages" is empty' in config.problems["a"].text


def test_nesting_without_bound_is_refused_without_harm() -> None:
    chain = [pipeline(f"p{n}", child(f"p{n + 1}")) for n in range(3000)]
    config = checked(*chain, pipeline("p3000", command()))
    assert "nests more than 32 pipelines" in config.problems["p0"].text
    assert config.pipeline("p2999") is not None


def test_many_ways_to_the_same_pipeline_are_walked_once() -> None:
    layers = [
        pipeline(f"p{n}", *({**child(f"p{n + 1}"), "id": str(k)} for k in range(10)))
        for n in range(25)
    ]
    started = time.monotonic()
    assert not checked(*layers, pipeline("p25", command())).problems
    assert time.monotonic() - started < 2


# --- the whole file ------------------------------------------------------------------------------


@pytest.mark.acceptance(74)
@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"pipelines": {}}, '"pipelines" must be an array'),
        (
            {"stageSets": [1]},
            "codex.orchestrator.json stageSets must be an object of stage arrays.",
        ),
        ({"defaultPipeline": 3}, '"defaultPipeline" is not a text'),
        (
            {"runtimeMode": "cloud"},
            'Invalid codex.orchestrator.json runtimeMode "cloud". Expected one of: cli, appserver.',
        ),
        ({"orchTui": []}, '"orchTui" is not an object'),
        ({"orchTui": {"lockAttempts": 0}}, 'orchTui: "lockAttempts" should be greater'),
        ({"orchTui": {"lockAttempts": True}}, '"lockAttempts" is not a whole number'),
        ({"orchTui": {"heartbeatIntervalSeconds": 60}}, "less than or equal to 15"),
        ({"orchTui": {"killGraceSeconds": "3"}}, '"killGraceSeconds" is not a number'),
    ],
)
def test_what_spoils_the_whole_file_is_told_once(document: Json, text: str) -> None:
    assert text in whole_problem(document)


def test_own_limits_override_only_what_they_name() -> None:
    config = checked(
        orchTui={
            "lockAttempts": 7,
            "killGraceSeconds": 2,
            "privateFiles": True,
            "stderrBytesInError": None,
            "logs": {"maxBytesPerStage": 1_000_000, "maskSecrets": False},
        }
    )
    assert config.limits == RunnerLimits(
        lock_attempts=7,
        kill_grace_s=2.0,
        log_bytes_per_stage=1_000_000,
        masks_secrets=False,
        private_files=True,
    )
    assert checked(orchTui={"logs": {"maxBytesPerStage": None}}).limits == RunnerLimits()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=4),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    "pipelines stageSets id stages kind ref pipeline command env orchTui".split()
                ),
                inner,
                max_size=5,
            )
        ),
        max_leaves=20,
    ).filter(lambda value: isinstance(value, dict))
)
@settings(max_examples=300)
def test_no_document_raises(document: Any) -> None:
    assert isinstance(config_of(document, "x"), (OrchestratorConfig, ConfigProblem))


# --- files ---------------------------------------------------------------------------------------


def test_without_a_file_there_is_no_configuration(roots: Roots) -> None:
    assert load_config(roots, {}) is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"{", "unexpected end of file"),
        (b"[]", "a list, not an object"),
        (b"\xef\xbb\xbf{}", "a byte order mark"),
        (b"// comment\n{}", "line 1 column 1"),
    ],
)
def test_a_file_that_is_no_json_is_told(roots: Roots, content: bytes, words: str) -> None:
    put(roots.repo / "codex.orchestrator.json", content)
    found = load_config(roots, {})
    assert isinstance(found, ConfigProblem)
    assert found.text.startswith("codex.orchestrator.json: ")
    assert words in found.text


def test_a_folder_in_its_place_is_told(roots: Roots) -> None:
    (roots.repo / "codex.orchestrator.json").mkdir()
    assert isinstance(load_config(roots, {}), ConfigProblem)


def test_another_file_may_be_named(roots: Roots) -> None:
    put(roots.repo / "ci" / "flows.json", {"pipelines": [pipeline("p")]})
    put(roots.repo.parent / "far.json", {"pipelines": [pipeline("q", command())]})
    near = load_config(roots, {CONFIG_PATH_VARIABLE: " ci/flows.json "})
    far = load_config(roots, {CONFIG_PATH_VARIABLE: str(roots.repo.parent / "far.json")})
    assert isinstance(near, OrchestratorConfig) and isinstance(far, OrchestratorConfig)
    assert near.problems["p"].text.startswith("ci/flows.json: ")
    assert far.pipelines[0].id == "q"


def test_a_named_file_that_is_missing_is_told_with_the_cure(roots: Roots) -> None:
    found = load_config(roots, {CONFIG_PATH_VARIABLE: "gone.json"})
    assert isinstance(found, ConfigProblem)
    assert "gone.json does not exist" in found.text and CONFIG_PATH_VARIABLE in found.text
    assert load_config(roots, {CONFIG_PATH_VARIABLE: " "}) is None


def test_pydantic_is_not_loaded_before_a_configuration_is_read() -> None:
    code = "import sys, orchestrator_tui.store.configuration; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- keys that look like a slip ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "doubt"),
    [
        (
            {"pipelines": [pipeline("p", command("a", timeout_ms=5))]},
            'pipeline "p", stage 1 ("a"): "timeout_ms" is not known and changes nothing; '
            "did you mean timeoutMs?",
        ),
        (
            {"pipelines": [pipeline("p", command("a", allowFailures=True))]},
            'pipeline "p", stage 1 ("a"): "allowFailures" is not known and changes nothing; '
            "did you mean allowFailure?",
        ),
        (
            {
                "pipelines": [pipeline("p", stage_set("s"))],
                "stageSets": {"s": [command("b", Env={"A": "1"})]},
            },
            'stage set "s", stage 1 ("b"): "Env" is not known and changes nothing; '
            "did you mean env?",
        ),
        (
            {"pipelines": [pipeline("p", command(), guardrails_required=True)]},
            'pipeline "p": "guardrails_required" is not known and changes nothing; '
            "did you mean guardrailsRequired?",
        ),
        (
            {"pipelines": [], "default_pipeline": "p"},
            '"default_pipeline" is not known and changes nothing; did you mean defaultPipeline?',
        ),
        (
            {"pipelines": [], "orchTui": {"logs": {"colour": 1}}},
            'orchTui.logs: "colour" is not known and changes nothing; take it away',
        ),
    ],
)
def test_a_key_that_looks_like_a_slip_is_told_with_the_one_that_may_be_meant(
    document: Json, doubt: str
) -> None:
    config = config_of(document, "codex.orchestrator.json")
    assert isinstance(config, OrchestratorConfig)
    assert config.problems == {}
    assert config.doubts == (f"codex.orchestrator.json: {doubt}",)


def test_keys_of_others_are_no_slips() -> None:
    strange = {"metadata": {}, "sandbox": "x", "retries": 3, "comment": "", "$schema": ""}
    config = checked(pipeline("p", command("a", **strange), **strange), **strange)
    assert config.doubts == ()
    for path in FIXTURES.rglob("codex.orchestrator.json"):
        found = config_of(json.loads(path.read_text()), "codex.orchestrator.json")
        assert isinstance(found, OrchestratorConfig)
        assert found.doubts == ()


@given(
    st.recursive(
        st.none() | st.text(max_size=4),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    ["pipelines", "stages", "id", "kind", "orchTui", "logs", "stageSets", "enw"]
                ),
                inner,
            )
        ),
        max_leaves=12,
    )
)
def test_no_configuration_is_too_strange_to_be_doubted(document: Any) -> None:
    if isinstance(document, dict):
        assert isinstance(doubts_about(document), tuple)
