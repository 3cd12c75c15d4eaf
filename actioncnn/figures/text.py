"""Text on pictures, in any script: one style and one set of fonts for figures and for pixels.

Matplotlib sets it (its layout joins Arabic letters and turns their line around). A letter that DejaVu Sans lacks comes
from the first other font of the system, or of requirements-fonts.txt, that has it. Class and file names may hold
anything.
"""

import bisect
import contextlib
import functools
import importlib.util
import logging
import os
import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import font_manager, rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from actioncnn.cli import warn
from actioncnn.errors import printable

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

# Okabe & Ito (2008): told apart by color-blind readers too
BLUE = "#0072B2"
ORANGE = "#D55E00"
GREEN = "#007A5A"
GRAY = "#666666"  # of notes
LIGHT = "#E6E6E6"  # of grids
DPI = 100  # pixels an inch of a figure
BASE_FONT = "DejaVu Sans"  # comes with Matplotlib
FONT_PACKAGES = ("manimgx_fonts", "noto_cjk_sans_otc")  # most scripts and emoji; Chinese, Japanese, Korean
NAME = 28  # characters of a class name that are shown; the longest of UCF-101 has 18
MARK = "\u200e"  # sets the direction of what is beside it, and is not seen
RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
BEFORE_SHARE = re.compile(rf"({RIGHT_TO_LEFT.pattern})(?=\s*[\d.]+%)")
LINE = 1.5  # height of a line of text, in font sizes


def rgb(color: str) -> tuple[int, ...]:
    """A color such as BLUE as (red, green, blue), 0 to 255."""
    return tuple(bytes.fromhex(color[1:]))


@functools.cache
def other_fonts() -> dict[str, str]:
    """Files of all fonts but DejaVu Sans, by family: upright, those of the Noto project first, because they match."""
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # most of them have no bold: say nothing
    manager = font_manager.fontManager
    for package in FONT_PACKAGES:
        spec = importlib.util.find_spec(package)
        for folder in (spec and spec.submodule_search_locations) or ():
            for file in sorted(Path(folder).glob("*.tt[fc]")):
                manager.addfont(file)
    fonts = {font.name: font.fname for font in manager.ttflist if font.style == "normal"}
    # a font of last resort has a box for every letter; Matplotlib draws no colored emoji
    names = [name for name in fonts if not re.search("DejaVu|Last ?Resort|Color", name)]
    return {name: fonts[name] for name in sorted(names, key=lambda name: (not name.startswith("Noto Sans"), name))}


def has_letter(file: str, letter: str) -> bool:
    """Whether a font file has a letter; False if Matplotlib can't draw with it."""
    try:
        font = font_manager.get_font(file)
        return font.scalable and font.get_char_index(ord(letter)) != 0
    except (OSError, RuntimeError):
        return False


@functools.cache
def family_of(letter: str) -> str | None:
    """Name of the font that a letter is drawn with; None: no font has it."""
    if has_letter(font_manager.findfont(BASE_FONT), letter):
        return BASE_FONT
    return next((name for name, file in other_fonts().items() if has_letter(file, letter)), None)


def families(line: str) -> list[str]:
    """Names of the fonts that have the letters of a line, DejaVu Sans first; warns once if a letter is in no font."""
    names = [family_of(letter) for letter in line if letter != "\n"]
    if None in names:
        warn_of_missing_font()
    return list(dict.fromkeys([BASE_FONT, *filter(None, names)]))


@functools.cache
def warn_of_missing_font() -> None:
    warn(
        "no installed font has all letters of the names, so that pictures show boxes; "
        "pip install -r requirements-fonts.txt, or install a font for this script"
    )


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Within it figures look as all of the suite do, without touching a user's own settings."""
    settings: dict[RcKeyType, Any] = {
        "font.family": [BASE_FONT],
        "font.size": 10,
        "text.parse_math": False,  # a $ in a class name is a $
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": GRAY,
        "axes.titlelocation": "left",
        "axes.titlesize": 12,
        "figure.dpi": DPI,
        "savefig.dpi": DPI,
    }
    with rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)  # `families` says it, once
        yield


def shown(name: str, longest: int = NAME) -> str:
    """A name as it is drawn: one line, without what is no text, shortened in the middle."""
    name = "".join(letter if letter.isprintable() else " " for letter in printable(name))
    name = " ".join(name.split())
    return name if len(name) <= longest else f"{name[: longest // 2]}…{name[-longest // 2 + 1 :]}"


def distinct(names: Sequence[str], longest: int = NAME) -> list[str]:
    """Names as `shown` has them, where those that it would make equal keep the part in which they differ."""
    lines = [shown(name, longest) for name in names]
    for line in {line for line in lines if lines.count(line) > 1}:
        places = [place for place, other in enumerate(lines) if other == line]
        whole = [shown(names[place], 1000) for place in places]
        start = max(len(os.path.commonprefix(whole)) - 2, 0)
        for place, name in zip(places, whole):
            lines[place] = (
                f"{name[:4]}…{name[start : start + longest - 6]}{'…' if len(name) > start + longest - 6 else ''}"
            )
    return lines


def left_to_right(line: str) -> str:
    """A line whose parts stand from left to right, also around names in Arabic or Hebrew, whose shares stay whole."""
    return MARK + BEFORE_SHARE.sub(rf"\1{MARK}", line) if RIGHT_TO_LEFT.search(line) else line


@functools.lru_cache(1024)
def coverage(line: str, size: int, bold: bool = False) -> np.ndarray:
    """A line of text as pixels: how much of each is ink, float32 (LINE x size, width); size: of the font, in pixels."""
    line = left_to_right(line)
    with style():
        figure = Figure((1, 1), dpi=72)  # a point is a pixel
        canvas = FigureCanvasAgg(figure)
        text = figure.text(0, 0, line, fontsize=size, weight="bold" if bold else "normal", va="baseline")
        text.set_fontfamily(families(line))
        width = int(np.ceil(text.get_window_extent().width)) + 1
        height = round(LINE * size)
        figure.set_size_inches(width / 72, height / 72)
        text.set_y(0.3)  # of the height: room for what hangs below the line
        figure.patch.set_alpha(0)
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())[..., 3].astype(np.float32) / 255


def fit(line: str, width: int, size: int, least: int | None = None, bold: bool = False) -> tuple[str, int]:
    """(line, size) of a text that is at most `width` pixels wide: smaller down to `least`, then without its middle."""
    line, least = shown(line, 200), least or size
    for each in range(size, least - 1, -1):
        if coverage(line, each, bold).shape[1] <= width:
            return line, each
    lengths = range(3, len(line))
    place = bisect.bisect_right(lengths, width, key=lambda length: coverage(shown(line, length), least, bold).shape[1])
    return shown(line, lengths[max(place - 1, 0)]) if lengths else line, least


def draw(
    canvas: np.ndarray, x: int, y: int, line: str, size: int, color: Sequence[int] = (0, 0, 0), bold: bool = False
) -> None:
    """Writes a line of text on uint8 pixels (H, W, 3), in place; x, y: its upper left corner; what is beyond is cut."""
    if not line:
        return
    ink = coverage(line, size, bold)[..., None]
    place = canvas[y : y + ink.shape[0], x : x + ink.shape[1]]
    ink = ink[: place.shape[0], : place.shape[1]]
    place[:] = np.rint(place + (np.array(color, np.float32) - place) * ink)
