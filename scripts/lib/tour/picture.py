"""A terminal's screen as a PNG."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pyte
from PIL import Image, ImageDraw, ImageFont
from pyte.screens import Char

FONT_SIZE = 15
FONT_FOLDERS = (
    Path("/usr/share/fonts/truetype/dejavu"),
    Path("/usr/share/fonts/TTF"),
    Path("/usr/share/fonts/dejavu-sans-mono-fonts"),
    Path("/usr/share/fonts/dejavu"),
)
REGULAR, BOLD = "DejaVuSansMono.ttf", "DejaVuSansMono-Bold.ttf"
GROUND, TEXT = "0f1317", "d0d5da"
NAMED = {
    "black": "0f1317",
    "red": "f2706b",
    "green": "87c38a",
    "brown": "e3b35c",
    "blue": "5fafd7",
    "magenta": "c79bf0",
    "cyan": "6cc7c7",
    "white": "d0d5da",
}


class FontMissing(Exception):
    """There is no font that has the program's signs."""


@cache
def font(name: str) -> ImageFont.FreeTypeFont:
    """Return a font by its file's name.

    Raises:
        FontMissing: It is nowhere; the text names the cure.
    """
    for folder in FONT_FOLDERS:
        if (folder / name).exists():
            return ImageFont.truetype(str(folder / name), FONT_SIZE)
    raise FontMissing(f"{name} is missing; install it: sudo apt-get install fonts-dejavu-core")


def draw(screen: pyte.Screen, path: Path) -> None:
    """Write what is on the screen to a PNG."""
    regular = font(REGULAR)
    width = round(regular.getlength("M"))
    ascent, descent = regular.getmetrics()
    height = ascent + descent
    image = Image.new("RGB", (screen.columns * width, screen.lines * height), f"#{GROUND}")
    pen = ImageDraw.Draw(image)
    for y in range(screen.lines):
        for x in range(screen.columns):
            _cell(pen, screen.buffer[y][x], x * width, y * height, width, height)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Each colour of a screen stays as it is; what is saved are tones at the edges of letters.
    image.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
        path, optimize=True
    )


def _cell(pen: ImageDraw.ImageDraw, char: Char, x: int, y: int, width: int, height: int) -> None:
    front, back = _color(char.fg, TEXT), _color(char.bg, GROUND)
    if char.reverse:
        front, back = back, front
    if back != f"#{GROUND}":
        pen.rectangle((x, y, x + width - 1, y + height - 1), fill=back)
    if char.data.strip():
        pen.text((x, y), char.data, fill=front, font=font(BOLD if char.bold else REGULAR))
    if char.underscore:
        pen.line((x, y + height - 2, x + width - 1, y + height - 2), fill=front)
    if char.strikethrough:
        pen.line((x, y + height // 2, x + width - 1, y + height // 2), fill=front)


def _color(name: str, default: str) -> str:
    return f"#{default if name == 'default' else NAMED.get(name.removeprefix('bright'), name)}"
