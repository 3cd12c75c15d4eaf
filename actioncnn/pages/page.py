"""One file of HTML that needs nothing else: no network, no script from elsewhere, pictures inside, light and dark.

What comes from files (names of classes, files, options) goes through charts.text; should anything slip through, the
page's own policy runs no script but the one whose hash it names.
"""

import base64
import hashlib
import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from actioncnn import files
from actioncnn.figures.strips import visible
from actioncnn.pages.svg import named, text

HERE = Path(__file__).parent
FRAME = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline';
 script-src 'sha256-{hash}'">
<title>{title}</title><style>{style}</style></head>
<body>{body}<script>{script}</script></body></html>
"""
SIDES = (112, 80, 56, 32)  # pixels to which larger frames are reduced: the first that gives at most LARGEST
LARGEST = 80_000  # bytes of a clip: 36 of them as text make 3.8 MB
FRAMES = 32  # of a clip that are shown, at most
SMALL = 64  # pixels: such clips are shown as pixels, and kept exactly where these are few bytes
PERIOD = 120  # milliseconds a frame


def write_page(path, title, sections):
    """Writes a page; title: plain text; sections: HTML."""
    script = (HERE / "page.js").read_text()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    style = (HERE / "page.css").read_text()
    page = FRAME.format(hash=digest, title=text(title), style=style, body="".join(sections), script=script)
    files.write(path, page)


def section(title, *parts):
    """A section with a heading; nothing where all its parts are empty."""
    content = "".join(part for part in parts if part)
    return f"<section><h2>{text(title)}</h2>{content}</section>" if content else ""


def facts(pairs):
    """A list of names and values; what is None is left out."""
    items = (f"<dt>{text(name)}</dt><dd>{named(value)}</dd>" for name, value in pairs if value is not None)
    return f"<dl>{''.join(items)}</dl>"


def table(columns, rows):
    """A table; cells are plain text. It scrolls by itself where it is wider than the screen."""
    head = "".join(f'<th scope="col">{text(name)}</th>' for name in columns)
    body = "".join(f"<tr>{''.join(f'<td>{named(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return scroll(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>", "table")


def scroll(content, label):
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{text(label)}">{content}</div>'


def note(line):
    return f'<p class="note">{text(line, 1000)}</p>'


class Animation(NamedTuple):
    """A clip as it is shown: WebP as text, width and height in pixels."""

    source: str
    size: tuple


def animation(clip):
    """The Animation of a clip (H, W, T, C), or of a frame (H, W, C), uint8."""
    clip = clip if clip.ndim == 4 else clip[:, :, None]
    return Animation(base64.b64encode(webp(clip)).decode(), clip.shape[1::-1])


def figure(shown, alt, kind, caption):
    """An Animation with a caption, HTML; kind: right or wrong."""
    pixels = ' class="pixels"' if max(shown.size) <= SMALL else ""
    size = 'width="{}" height="{}" style="height:auto"'.format(*shown.size)
    image = f'<img{pixels} {size} loading="lazy" alt="{text(alt)}" src="data:image/webp;base64,{shown.source}">'
    return f'<figure class="{kind}">{image}<figcaption>{caption}</figcaption></figure>'


def webp(clip):
    """uint8 (H, W, T, C) as an endless animation, as bytes."""
    places = np.linspace(0, clip.shape[2] - 1, min(clip.shape[2], FRAMES)).round().astype(int)
    frames = [Image.fromarray(np.ascontiguousarray(visible(clip[:, :, place]))) for place in places]
    ways = [(SMALL, True)] * (max(clip.shape[:2]) <= SMALL) + [(side, False) for side in SIDES]
    for side, exact in ways:
        for frame in frames:
            frame.thumbnail((side, side))
        buffer = io.BytesIO()
        how = {"lossless": exact, "quality": 0 if exact else 60, "method": 0}  # the fastest method, a tenth larger
        frames[0].save(buffer, "WEBP", save_all=True, append_images=frames[1:], duration=PERIOD, loop=0, **how)
        if buffer.tell() <= LARGEST:
            break
    return buffer.getvalue()
