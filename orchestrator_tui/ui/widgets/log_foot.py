"""LogFootView: what the lower edge of a log says of it."""

from __future__ import annotations

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.state.formatting import counted, number
from orchestrator_tui.ui.widgets.lines import Line, Span
from orchestrator_tui.ui.widgets.log_window import Streams

LABEL_SHOWN = 24  # characters of what is searched for
_STREAM_WORDS = {Streams.BOTH: "", Streams.OUT: "stdout only", Streams.ERR: "stderr only"}


@dataclass(frozen=True, slots=True)
class LogFootView:
    """Texts need not be safe.

    `new_lines` came below since the view stands still. `percent` is the place of the topmost line
    in the file, None at its end. `is_whole` tells that `lines` are all there are, `has_all_hits`
    that `hits` are, `has_all_problems` that `problems` are. `hit` and `problem_at` say which of
    them is shown, from 1, 0 for none; `went_round` that the last step went past an end. `kept` is
    the filter, which `of_lines` were put to.
    """

    follows: bool = False
    is_live: bool = False
    new_lines: int = 0
    percent: int | None = None
    lines: int = 0
    is_whole: bool = True
    searched: str = ""
    hit: int = 0
    hits: int = 0
    has_all_hits: bool = True
    problem_at: int = 0
    problems: int = 0
    has_all_problems: bool = True
    went_round: bool = False
    streams: Streams = Streams.BOTH
    wraps: bool = False
    times: str = ""
    selected: int = 0
    kept: str = ""
    of_lines: int = 0
    is_cleared: bool = False
    attempt: int = 1
    attempts: int = 1
    progress: str = ""
    problem: str = ""
    remark: str = ""


def foot_line(view: LogFootView) -> Line:
    """Return what the edge says, the most needed first."""
    told = [
        _place(view),
        Span(f"{counted(view.selected, 'line')}: y copies" if view.selected else "", "key"),
        Span(_count(view), "muted"),
        Span(safe_text(view.remark), "state--running"),
        Span(safe_text(view.progress), "state--running"),
        Span(f"! {safe_text(view.problem)}" if view.problem else "", "state--stalled"),
        Span(_search(view), "key"),
        Span(_problems(view), "stderr" if view.problems else "muted"),
        Span(f"attempt {view.attempt}/{view.attempts}" if view.attempts > 1 else "", "key"),
        Span(_STREAM_WORDS[view.streams], "key"),
        Span("cleared, C shows all" if view.is_cleared else "", "key"),
        Span(view.times, "muted"),
        Span("wrap" if view.wraps else "", "muted"),
    ]
    words: list[Span] = []
    for span in told:
        if span.text:
            words += [Span("  "), span] if words else [span]
    return tuple(words)


def _place(view: LogFootView) -> Span:
    if view.follows:
        return Span("FOLLOW", "state--running")
    if view.is_live:
        new = f"  +{number(view.new_lines)} new" if view.new_lines else ""
        return Span(f"PAUSED{new}", "state--paused")
    if not view.lines:
        return Span("")
    return Span("END" if view.percent is None else f"{view.percent}%", "muted")


def _count(view: LogFootView) -> str:
    if not view.lines and not view.kept:
        return ""
    if view.kept:
        words = safe_text(view.kept, limit=LABEL_SHOWN)
        return f"& {words}  {number(view.lines)} of {number(view.of_lines)} lines"
    beyond = "" if view.is_whole else "+"
    return f"{number(view.lines)}{beyond} {'line' if view.lines == 1 else 'lines'}"


def _search(view: LogFootView) -> str:
    if not view.searched:
        return ""
    beyond = "" if view.has_all_hits else "+"
    found = f"{number(view.hits)}{beyond} {'hit' if view.hits == 1 else 'hits'}"
    if view.hit:
        found = f"{number(view.hit)} of {found}"
    elif not view.hits:
        found = "no hit" if view.has_all_hits else "no hit so far"
    went = " (went round)" if view.went_round else ""
    return f"{safe_text(view.searched, limit=LABEL_SHOWN)} {found}{went}"


def _problems(view: LogFootView) -> str:
    if not view.problems:
        return ""
    beyond = "" if view.has_all_problems else "+"
    if not view.problem_at:
        words = "problem" if view.problems == 1 else "problems"
        return f"{number(view.problems)}{beyond} {words}"
    went = " (went round)" if view.went_round and not view.searched else ""
    return f"problem {number(view.problem_at)}/{number(view.problems)}{beyond}{went}"
