"""The colours of the themes; loads nothing of Textual."""

from __future__ import annotations

from dataclasses import replace

from orchestrator_tui.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of a theme; `ground` is behind everything, `bar` behind header and footer.

    `line` is behind the selected row, `quiet_line` behind one in a pane without the focus.
    """

    ground: str
    surface: str
    bar: str
    text: str
    muted: str
    primary: str
    succeeded: str
    failed: str
    lost: str
    stalled: str
    awaiting: str
    running: str
    line: str
    quiet_line: str
    frame: str


_DARK = Palette(
    ground="#0f1317",
    surface="#151a20",
    bar="#1e252d",
    text="#d0d5da",
    muted="#7d8894",
    primary="#5fafd7",
    succeeded="#87c38a",
    failed="#f2706b",
    lost="#e88ae0",
    stalled="#e3b35c",
    awaiting="#d7a6ff",
    running="#6cc7e8",
    line="#26323d",
    quiet_line="#1d262e",
    frame="#3a4652",
)
_LIGHT = Palette(
    ground="#fbfbf9",
    surface="#f4f4f0",
    bar="#e8e8e2",
    text="#24292f",
    muted="#667079",
    primary="#005f87",
    succeeded="#1f7a34",
    failed="#b3261e",
    lost="#a0288f",
    stalled="#8f6000",
    awaiting="#7a3fb5",
    running="#00699e",
    line="#d9e6ee",
    quiet_line="#e9eef1",
    frame="#b9c0c6",
)
_HIGH_CONTRAST = Palette(
    ground="#000000",
    surface="#000000",
    bar="#1c1c1c",
    text="#ffffff",
    muted="#c6c6c6",
    primary="#ffff5f",
    succeeded="#5fff87",
    failed="#ff9c94",
    lost="#ff9cff",
    stalled="#ffd75f",
    awaiting="#dcb4ff",
    running="#5fffff",
    line="#00307a",
    quiet_line="#303030",
    frame="#b2b2b2",
)
_MONO = Palette(
    ground="#000000",
    surface="#000000",
    bar="#1c1c1c",
    text="#d0d0d0",
    muted="#8a8a8a",
    primary="#d0d0d0",
    succeeded="#d0d0d0",
    failed="#ffffff",
    lost="#ffffff",
    stalled="#ffffff",
    awaiting="#ffffff",
    running="#ffffff",
    line="#3a3a3a",
    quiet_line="#262626",
    frame="#585858",
)
# After Okabe and Ito's set of colours that people with any kind of colour blindness tell apart;
# blue is lighter than theirs on the dark ground, the light kinds darker on the light one.
_CVD_DARK = replace(
    _DARK,
    succeeded="#4a9fe0",
    failed="#f0743c",
    lost="#e69f00",
    stalled="#f0e442",
    awaiting="#e0a0c6",
    running="#7cc8f4",
)
_CVD_LIGHT = replace(
    _LIGHT,
    succeeded="#005a8f",
    failed="#b34700",
    lost="#7d5600",
    stalled="#665f00",
    awaiting="#9c4478",
    running="#1f6f9e",
)

# The names that preferences and flags use.
PALETTES = {
    "dark": _DARK,
    "light": _LIGHT,
    "high-contrast": _HIGH_CONTRAST,
    "cvd-dark": _CVD_DARK,
    "cvd-light": _CVD_LIGHT,
    "mono": _MONO,
}
