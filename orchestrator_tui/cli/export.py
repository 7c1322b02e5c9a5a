"""orch-tui export: a run as one archive to hand on, without secrets as far as they are known."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from orchestrator_tui.cli.checks import all_checks
from orchestrator_tui.cli.choosing import choose_run
from orchestrator_tui.cli.documents import EXPORT_SCHEMA
from orchestrator_tui.cli.exits import bad_usage, refused, say
from orchestrator_tui.cli.looking import LookedAt, look_at
from orchestrator_tui.cli.options import (
    Format,
    chosen_run,
    format_option,
    run_option,
    with_settings,
)
from orchestrator_tui.cli.output import print_json, print_text
from orchestrator_tui.cli.redacting import Redactor
from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.files import EntryKind
from orchestrator_tui.primitives.safe_text import safe_text, strip_sequences
from orchestrator_tui.records.identifiers import RunKey, stage_file_stem
from orchestrator_tui.records.logs import LogRequest, Whence
from orchestrator_tui.settings import Settings
from orchestrator_tui.store.reading import BadContent, parse_object, read_object
from orchestrator_tui.watch.logs import StageLogs

TOKEN_KEY: Final = "resume_token"
MANIFEST_LIMIT_BYTES: Final = 2 * 1024 * 1024  # docs/formats.md, limits
SMALL_LIMIT_BYTES: Final = 64 * 1024
PAGE_LINES: Final = 1000
MODE: Final = 0o600  # what is left of secrets is for the person who looks it through


@click.command("export")
@click.argument("run", required=False)
@run_option
@click.option("--output", metavar="FILE", help="Where to; else orch-tui-RUN.zip here.")
@click.option(
    "--logs",
    "log_lines",
    type=click.IntRange(min=0, max=10_000),
    default=200,
    show_default=True,
    metavar="N",
    help="The last N lines of each stage.",
)
@format_option(Format.TEXT, Format.JSON)
@with_settings
def command(
    settings: Settings,
    run: str | None,
    run_flag: str | None,
    output: str | None,
    log_lines: int,
    form: str,
) -> None:
    """Write manifest, errors, ends of the logs and the doctor's findings of a run to a zip file.

    What looks like a secret is taken out; look the file through before you hand it on. RUN is a run
    id, a beginning or an end of one, @latest, @latest:PIPELINE or @failed.
    """
    wanted = chosen_run(run, run_flag)
    if wanted is None:
        raise bad_usage("name a run: orch-tui export RUN, for example @failed")
    ref = choose_run(settings, wanted)
    looked = look_at(settings.roots, ref)
    if looked is None or looked.detail is None:
        raise refused(f"the manifest of run {ref.key.run_id} cannot be read")
    document = read_object(settings.roots, ref.manifest, limit_bytes=MANIFEST_LIMIT_BYTES)
    if document is None or isinstance(document, BadContent):
        raise refused(f"{settings.roots.relative(ref.manifest)} cannot be read")
    redactor = Redactor(tuple(_tokens(looked, document)))
    parts = dict(_parts(settings, looked, document, log_lines, redactor))
    path = Path.cwd() / (output or f"orch-tui-{ref.key.run_id}.zip")
    if not files.publish(path, _zipped(parts), mode=MODE):
        raise refused(f"{path} is there already; name another with --output")
    if Format(form) == Format.JSON:
        print_json(
            {
                "schema": EXPORT_SCHEMA,
                "path": str(path),
                "files": sorted(parts),
                "redacted": redactor.count,
            }
        )
        return
    print_text(str(path))
    say(f"{redactor.count} values that look secret were taken out; look it through all the same")


def _tokens(looked: LookedAt, manifest: dict[str, Any]) -> Iterator[str]:
    """Yield the run's resume token as it is in the manifest and in its file."""
    token = manifest.get(TOKEN_KEY)
    if isinstance(token, str):
        yield token
    path, root = looked.paths.resume_token, looked.paths.run_dir
    try:
        content = files.read_bytes(path, limit_bytes=SMALL_LIMIT_BYTES, root=root)
    except FileNotFoundError:
        return
    yield content.decode("utf-8", "replace").strip()


def _parts(
    settings: Settings,
    looked: LookedAt,
    manifest: dict[str, Any],
    log_lines: int,
    redactor: Redactor,
) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each file of the archive."""
    kept = {name: value for name, value in manifest.items() if name != TOKEN_KEY}
    yield "manifest.json", _json(redactor.value(kept))
    yield from _errors(looked, redactor)
    logs = StageLogs(settings.roots)
    for index, stage in enumerate(looked.manifest.commands if log_lines else (), 1):
        lines = _last_lines(logs, looked.run.key, index, log_lines)
        if lines:
            told = redactor.lines(lines).splitlines()
            text = "".join(f"{safe_text(line)}\n" for line in told)
            yield f"logs/{stage_file_stem(index, stage.id)}.txt", text
    checks = [
        {"id": c.id, "verdict": c.verdict.value, "text": c.text, "cure": c.cure}
        for c in all_checks(settings, terminal=True)
    ]
    yield "doctor.json", _json(redactor.value(checks))


def _last_lines(logs: StageLogs, key: RunKey, index: int, count: int) -> list[str]:
    """Return the last `count` lines of a stage, without colours: one within a secret would hide it.

    A page holds whole records, so it may have fewer lines than were asked for.
    """
    page = logs.read_now(LogRequest(key, index, Whence.END, max_lines=PAGE_LINES))
    lines = [*page.lines, *page.partial]
    while len(lines) < count and not page.at_start and page.problem is None:
        start = page.start
        request = LogRequest(key, index, Whence.BEFORE, offset=start, max_lines=PAGE_LINES)
        page = logs.read_now(request)
        if page.replaced or page.start >= start:
            break
        lines = [*page.lines, *lines]
    return [strip_sequences(line.text) for line in lines[-count:]]


def _errors(looked: LookedAt, redactor: Redactor) -> Iterator[tuple[str, str]]:
    folder = looked.paths.errors_dir
    try:
        entries = files.list_folder(folder)
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.kind is not EntryKind.FILE or not entry.name.endswith(".json"):
            continue
        path = folder / entry.name
        content = files.read_bytes(path, limit_bytes=SMALL_LIMIT_BYTES, root=folder)
        document = parse_object(content, entry.name)
        is_bad = isinstance(document, BadContent)
        text = redactor.text(content.decode("utf-8", "replace")) if is_bad else ""
        yield f"errors/{entry.name}", text if is_bad else _json(redactor.value(document))


def _json(value: Any) -> str:
    return json.dumps(value, indent=2) + "\n"


def _zipped(parts: dict[str, str]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return written.getvalue()
