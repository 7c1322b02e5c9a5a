"""Every key of the program, by id: one key, one meaning."""

from __future__ import annotations

from typing import TypeAlias

from textual.binding import Binding, BindingType

KeyList: TypeAlias = list[BindingType]


def key(keys: str, action: str, words: str, binding_id: str, *, show: bool = False) -> Binding:
    """Return a binding that a keymap can change; `words` stand in the help and the footer."""
    return Binding(keys, action, words, id=binding_id, show=show)


# Where each group of keys stands in the help, by the first word of the id.
GROUP_TITLES = {
    "move": "Move",
    "find": "Find",
    "mark": "Mark",
    "run": "Run",
    "log": "Log",
    "copy": "Copy",
    "pane": "Panes",
    "nav": "Leave",
    "app": "Program",
}
# The bindings that start runs or change them; screens that only look have none of them.
ACTING = frozenset(["run.start", "run.again", "run.cancel", "run.kill"])

APP_KEYS: KeyList = [
    key("question_mark", "help", "help", "app.help"),
    key("colon,ctrl+p", "command_palette", "commands", "app.commands"),
    key("1", "place('runs')", "runs", "nav.runs"),
    key("5", "place('activity')", "activity", "nav.activity"),
    key("M", "mouse", "mouse: ours, terminal's", "app.mouse"),
    key("p", "freeze", "stand still, scroll", "app.freeze"),
    key("L", "full_log", "log, full screen", "app.full_log"),
    key("ctrl+r", "rescan", "look at the disk now", "app.rescan"),
    key("ctrl+l", "redraw", "draw the screen anew", "app.redraw"),
    key("ctrl+z", "stop_for_shell", "to the shell, fg back", "app.suspend"),
    key("ctrl+c", "interrupt", "press twice to quit", "app.interrupt"),
    key("Q", "ask_quit", "quit with choices", "app.ask_quit"),
]

LIST_KEYS: KeyList = [
    key("j,down", "move(1)", "next row", "move.down"),
    key("k,up", "move(-1)", "previous row", "move.up"),
    key("g,home", "move_to('first')", "first row", "move.first"),
    key("G,end", "move_to('last')", "last row", "move.last"),
    key("ctrl+d", "page(0.5)", "half a page down", "move.half_down"),
    key("ctrl+u", "page(-0.5)", "half a page up", "move.half_up"),
    key("pagedown", "page(1)", "a page down", "move.page_down"),
    key("pageup", "page(-1)", "a page up", "move.page_up"),
]

RUNS_KEYS: KeyList = [
    key("enter,l", "open", "open the run", "run.open"),
    key("s", "start", "start a run", "run.start"),
    key("P", "app.plan", "plan", "run.plan"),
    key("r", "again", "run again", "run.again"),
    key("x", "cancel", "cancel", "run.cancel"),
    key("X", "kill", "force kill", "run.kill"),
    key("y", "copy", "copy...", "copy.menu"),
    key("space", "mark", "mark the run", "mark.one"),
    key("v", "mark_range", "mark a range", "mark.range"),
    key("u", "seen", "seen, or new again", "mark.seen"),
    key("slash", "filter", "filter", "find.filter"),
    key("exclamation_mark", "problems", "problems only", "find.problems"),
    key("S", "sort", "sort...", "find.sort"),
    key("b", "group", "group by", "find.group"),
    key("V", "views", "views...", "find.views"),
    key("backspace", "drop_term", "drop the last term", "find.drop"),
    key("escape", "clear", "clear marks, filter", "find.clear"),
    key("z", "zoom", "zoom: table, preview", "pane.zoom"),
    key("c", "compact", "compact, or roomy", "pane.compact"),
    key("q", "quit", "quit, runs keep going", "app.quit"),
]

ACTIVITY_KEYS: KeyList = [
    key("y", "copy", "copy the line", "copy.line"),
    key("slash", "filter", "filter", "find.filter"),
    key("escape,q", "back", "clear, then back", "nav.back"),
]

RUN_KEYS: KeyList = [
    key("escape,h,q", "back", "back to the runs", "nav.back"),
    key("tab", "pane(1)", "next pane", "pane.next"),
    key("shift+tab", "pane(-1)", "previous pane", "pane.previous"),
    key("left_square_bracket", "tab(-1)", "previous tab", "pane.previous_tab"),
    key("right_square_bracket", "tab(1)", "next tab", "pane.next_tab"),
    key("T", "tab_named('tab-timeline')", "timeline", "pane.timeline"),
    key("P", "tab_named('tab-plan')", "plan", "pane.plan"),
    key("i", "tab_named('tab-manifest')", "raw manifest", "pane.manifest"),
    key("z", "zoom", "log full width, or not", "pane.zoom"),
    key("asterisk", "all_stages", "all stages, or one", "log.all_stages"),
    key("y", "copy", "copy...", "copy.menu"),
    key("r", "again", "run again", "run.again"),
    key("x", "cancel", "cancel", "run.cancel"),
    key("X", "app.kill", "force kill", "run.kill"),
]

LOG_SCREEN_KEYS: KeyList = [
    key("escape,q", "back", "back", "nav.back"),
    key("left_square_bracket", "stage(-1)", "previous stage", "pane.previous_stage"),
    key("right_square_bracket", "stage(1)", "next stage", "pane.next_stage"),
    key("asterisk", "all_stages", "all stages, or one", "log.all_stages"),
    key("y", "copy", "copy...", "copy.menu"),
]

STAGE_KEYS: KeyList = [
    *LIST_KEYS,
    key("enter,l", "open", "to the stage's log", "run.stage_log"),
]

LOG_KEYS: KeyList = [
    key("slash", "search", "search", "find.search"),
    key("n", "hit(1)", "next hit", "find.next"),
    key("N", "hit(-1)", "previous hit", "find.previous"),
    key("escape", "end_search", "end the search", "find.end"),
    key("full_stop", "problem(1)", "next problem", "find.next_problem"),
    key("comma", "problem(-1)", "previous problem", "find.previous_problem"),
    key("backslash", "streams", "stream: all, out, err", "log.streams"),
    key("ampersand", "keep", "keep lines, ! hides", "find.keep"),
    key("ctrl+g", "go", "go to line or time", "find.go"),
    key("m", "mark", "mark the line, or not", "log.mark"),
    key("apostrophe", "next_mark", "next mark", "log.next_mark"),
    key("A", "attempt", "other attempt", "log.attempt"),
    key("C", "clear_before", "only from here, or all", "log.clear_before"),
    key("o", "take('pager')", "open in pager", "log.pager"),
    key("e", "take('editor')", "open in editor", "log.editor"),
    key("E", "take('file')", "write to a file", "log.export"),
]

LOG_LINE_KEYS: KeyList = [
    key("j,down", "move(1)", "next line", "move.down"),
    key("k,up", "move(-1)", "previous line", "move.up"),
    key("g,home", "move_to('first')", "start of the log", "move.first"),
    key("G,end", "move_to('last')", "end of the log, follow", "move.last"),
    key("ctrl+d", "page(0.5)", "half a page down", "move.half_down"),
    key("ctrl+u", "page(-0.5)", "half a page up", "move.half_up"),
    key("pagedown,space", "page(1)", "a page down", "move.page_down"),
    key("pageup,b", "page(-1)", "a page up", "move.page_up"),
    key("l,right", "sideways(1)", "to the right", "log.right"),
    key("h,left", "sideways(-1)", "to the left", "log.left"),
    key("0", "line_edge('start')", "start of long lines", "log.line_start"),
    key("dollar_sign", "line_edge('end')", "end of long lines", "log.line_end"),
    key("f", "follow", "follow on, off", "log.follow"),
    key("w", "wrap", "wrap long lines", "log.wrap"),
    key("t", "times", "times: day, start, gap", "log.clock"),
    key("number_sign", "numbers", "line numbers", "log.numbers"),
    key("v", "select", "select lines", "copy.select"),
    key("y,enter", "copy_selected", "copy the selected lines", "copy.selected"),
    key("escape", "leave_selection", "select no lines", "copy.leave"),
]

# Where every letter chooses something, only arrows move.
PIECE_KEYS: KeyList = [
    key("down", "move(1)", "next row", "copy.down"),
    key("up", "move(-1)", "previous row", "copy.up"),
    key("home", "move_to('first')", "first row", "copy.first"),
    key("end", "move_to('last')", "last row", "copy.last"),
]

COPY_KEYS: KeyList = [
    *(
        key(letter, f"piece('{letter}')", words, f"copy.piece_{letter}")
        for letter, words in (
            ("l", "this line"),
            ("5", "last 50 lines"),
            ("s", "stage log"),
            ("e", "error card"),
            ("c", "command"),
            ("r", "how to reproduce it"),
            ("i", "run id"),
            ("p", "path of the log"),
            ("j", "manifest as JSON"),
        )
    ),
    key("escape,q", "close", "close", "nav.close"),
]

READING_KEYS: KeyList = [
    key("j,down", "move(1)", "down", "move.down"),
    key("k,up", "move(-1)", "up", "move.up"),
    key("g,home", "move_to('first')", "first line", "move.first"),
    key("G,end", "move_to('last')", "last line", "move.last"),
    key("ctrl+d", "page(0.5)", "half a page down", "move.half_down"),
    key("ctrl+u", "page(-0.5)", "half a page up", "move.half_up"),
    key("pagedown,space", "page(1)", "a page down", "move.page_down"),
    key("pageup,b", "page(-1)", "a page up", "move.page_up"),
]

PICKING_KEYS: KeyList = [*LIST_KEYS, key("enter,l", "open", "open it", "run.open")]

ARTIFACT_KEYS: KeyList = [key("y", "copy_path", "copy the path", "copy.menu")]

CARD_KEYS: KeyList = [
    key("full_stop", "problem(1)", "next failure", "find.next_problem"),
    key("comma", "problem(-1)", "previous failure", "find.previous_problem"),
    key("e", "edit", "editor at that line", "log.editor"),
]

CANCEL_KEYS: KeyList = [
    key("y", "confirm", "cancel the run", "run.cancel_yes"),
    key("escape", "keep", "keep it running", "run.cancel_no"),
]

CANCELLING_KEYS: KeyList = [
    key("X", "kill", "kill now", "run.kill"),
    key("escape,q", "keep", "hide, it keeps going", "nav.close"),
]

QUIT_KEYS: KeyList = [
    key("q", "quit", "quit, runs keep going", "app.quit_yes"),
    key("S", "stop", "stop my runs, quit", "run.stop_mine"),
    key("escape", "keep", "go back", "app.quit_no"),
]

KILL_KEYS: KeyList = [
    key("escape", "keep", "go back", "run.kill_no"),
]

PLAN_KEYS: KeyList = [
    key("y", "copy", "copy the command", "copy.command"),
    key("escape,q,P", "close", "close", "nav.close"),
]

START_KEYS: KeyList = [
    key("y", "copy", "copy the command", "copy.command"),
    key("P", "plan", "plan only", "run.plan"),
    key("escape", "leave", "close", "start.leave"),
    *(key(str(n), f"recent({n})", f"recent inputs {n}", f"run.recent_{n}") for n in range(1, 6)),
]

ANSWER_KEYS: KeyList = [
    key("l,right", "screen.focus_next", "next answer", "move.next_answer"),
    key("h,left", "screen.focus_previous", "previous answer", "move.previous_answer"),
    key("j,down", "screen.focus_next", "next answer", "move.down_answer"),
    key("k,up", "screen.focus_previous", "previous answer", "move.up_answer"),
]

AGAIN_KEYS: KeyList = [
    key("f", "way('f')", "resume", "run.again_resume"),
    key("s", "way('s')", "from a stage", "run.again_from"),
    key("o", "way('o')", "only one stage", "run.again_only"),
    key("n", "way('n')", "new run", "run.again_new"),
    key("e", "way('e')", "edit inputs", "run.again_edit"),
    key("c", "copy", "copy the command", "copy.command"),
    key("escape,q", "back", "close", "nav.close"),
]

HELP_KEYS: KeyList = [
    key("escape,q,question_mark", "app.pop_screen", "close", "nav.close_help"),
]

PICK_KEYS: KeyList = [
    key("escape,q", "close", "close", "nav.close_pick"),
]

VIEWS_KEYS: KeyList = [
    key("w", "save", "save the present view", "views.save"),
    key("d", "delete", "delete the view", "views.delete"),
    key("escape,q", "close", "close", "nav.close_views"),
]
