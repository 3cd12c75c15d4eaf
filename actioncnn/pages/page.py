"""One file of HTML that needs nothing else: no network, no script from elsewhere, pictures inside, light and dark.

What comes from files (names of classes, files, options) is escaped wherever a template writes it; should anything slip
through, the page's own policy runs no script but the one whose hash it names.
"""

import base64
import hashlib
import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from PIL import Image

from actioncnn import files
from actioncnn.cli import count
from actioncnn.figures import charts
from actioncnn.figures.strips import visible
from actioncnn.figures.text import shown
from actioncnn.pages.comparison_text import interval, percent

HERE = Path(__file__).parent
LONGEST = 200  # characters of a name on a page
SIDES = (112, 80, 56, 32)  # pixels to which larger frames are reduced: the first that gives at most LARGEST
LARGEST = 80_000  # bytes of a clip: 36 of them as text make 3.8 MB
FRAMES = 32  # of a clip that are shown, at most
SMALL = 64  # pixels: such clips are shown as pixels, and kept exactly where these are few bytes
PERIOD = 120  # milliseconds a frame
WARNINGS = (
    "left out",
    "inflates",
    "random split",
    "independent",
    "not there",
    "cannot",
    "harder",
)  # words of notes that warn


def text(value, longest=LONGEST):
    """Anything as one line of HTML text, harmless wherever it stands, also within an attribute."""
    return value if isinstance(value, (Markup, int, float)) else escape(shown(value, longest))


TEMPLATES = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    finalize=text,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.globals["count"] = count
TEMPLATES.tests["warning"] = lambda line: any(word in line for word in WARNINGS)
TEMPLATES.filters |= {"text": text, "count": count, "percent": percent, "interval": interval}


def write_page(path, template, named=False, **values):
    """Writes a page made of a template; values: what it names, title among them. named: as files.replaced has it."""
    script = (HERE / "page.js").read_text()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    style = Markup((HERE / "page.css").read_text())
    html = TEMPLATES.get_template(template).render(values, style=style, script=Markup(script), digest=digest)
    files.write(path, html, named)


def data_uri(kind, content):
    return Markup(f"data:image/{kind};base64,{base64.b64encode(content).decode()}")


class Chart(NamedTuple):
    """A picture of numbers, as a URI, and the same in words."""

    source: str
    alt: str


def chart(draw, *args, alt):
    return Chart(data_uri("svg+xml", charts.svg(draw, *args)), alt)


def curve_charts(drawn):
    """A Chart for each (charts.accuracy or charts.loss, title, its curves); none where no value is finite."""
    best = {charts.accuracy: np.argmax, charts.loss: np.argmin}
    return [
        chart(draw, curves, title, True, alt=curves_in_words(title, curves, best[draw]))
        for draw, title, curves in drawn
        if any(len(each.finite) for each in curves)
    ]


def curves_in_words(title, curves, best):
    """The last value of each curve, and its best one; best: np.argmax or np.argmin."""
    words = []
    for each in curves:
        epochs = each.epochs[np.isfinite(each.values)]
        if len(epochs):
            place = best(each.finite)
            at_best = f"at best {each.finite[place]:.3f} after epoch {epochs[place]:.0f}"
            words.append(f"{each.name} {each.finite[-1]:.3f} at the end, {at_best}")
    return f"{title} by epoch: {'; '.join(words)}"


class Animation(NamedTuple):
    """A clip as it is shown: WebP as a URI, width and height in pixels, and whether single pixels are to be seen."""

    source: str
    width: int
    height: int
    pixels: bool


def animation(clip):
    """The Animation of a clip (H, W, T, C), or of a frame (H, W, C), uint8."""
    clip = clip if clip.ndim == 4 else clip[:, :, None]
    height, width = clip.shape[:2]
    return Animation(data_uri("webp", webp(clip)), width, height, max(width, height) <= SMALL)


def webp(clip):
    """uint8 (H, W, T, C) as an endless animation, as bytes."""
    places = np.linspace(0, clip.shape[2] - 1, min(clip.shape[2], FRAMES)).round().astype(int)
    frames = [Image.fromarray(np.ascontiguousarray(visible(clip[:, :, place]))) for place in places]
    attempts = [(side, False) for side in SIDES]
    if max(clip.shape[:2]) <= SMALL:
        attempts.insert(0, (SMALL, True))
    for side, exact in attempts:
        for frame in frames:
            frame.thumbnail((side, side))
        buffer = io.BytesIO()
        options = {"lossless": exact, "quality": 0 if exact else 60, "method": 0}  # the fastest method, a tenth larger
        frames[0].save(buffer, "WEBP", save_all=True, append_images=frames[1:], duration=PERIOD, loop=0, **options)
        if buffer.tell() <= LARGEST:
            break
    return buffer.getvalue()
