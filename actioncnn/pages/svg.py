"""Charts of a page, as HTML and SVG that follow its colors: curves, a confusion matrix, accuracy by class.

Names come from strangers: whatever is not a number here goes through `text` or `named`.
"""

import html
import math

import numpy as np

from actioncnn.cli import count
from actioncnn.figures.text import shown
from actioncnn.runs.metrics import class_accuracy

LONGEST = 200  # characters of a name on a page
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 460, 270, 48, 36, 12  # of a chart of curves
TICKS = (1, 2, 5)  # times a power of ten: distances of the lines of a grid
COLORS, DASHES = 6, 3  # of the curves, as in page.css
NUMBERED = 30  # classes: of so many all counts are written into the matrix


def text(value, longest=LONGEST):
    """Anything as text of HTML, harmless wherever it stands, also within an attribute."""
    return html.escape(shown(value, longest))


def named(value, longest=LONGEST):
    """A name as HTML: text from right to left leaves what is beside it in its place."""
    return f"<bdi>{text(value, longest)}</bdi>"


def curves(title, series):
    """A chart; series: [(epochs, values, number)], the number chooses color and dash as in `legend`."""
    drawn = [(np.asarray(epochs, float), np.asarray(values, float), number) for epochs, values, number in series]
    finite = np.concatenate([values[np.isfinite(values)] for _, values, _ in drawn] or [[]])
    if not len(finite):
        return ""
    low, high = min(finite.min(), 0), max(np.quantile(finite, 0.98) * 1.1, 1e-3)  # a lone spike does not set the axis
    if high <= 1.1 and finite.max() <= 1:
        high = 1
    last = max(epochs.max() for epochs, _, _ in drawn)
    first = min(epochs.min() for epochs, _, _ in drawn)
    across = lambda x: LEFT + (np.asarray(x) - first) / max(last - first, 1) * (WIDTH - LEFT - 12)  # noqa: E731
    down = lambda y: HEIGHT - BOTTOM - (np.asarray(y) - low) / (high - low) * (HEIGHT - BOTTOM - TOP)  # noqa: E731
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{text(title)}">']
    for value in ticks(low, high, 5):
        parts.append(f'<path class="grid" d="M{LEFT} {down(value):.1f}H{WIDTH - 12}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{down(value) + 5:.1f}" text-anchor="end">{value:.3g}</text>')
    for epoch in ticks(first, last, 6, whole=True):
        parts.append(f'<text x="{across(epoch):.1f}" y="{HEIGHT - 18}" text-anchor="middle">{epoch:.0f}</text>')
    parts.append(f'<text x="{WIDTH - 12}" y="{HEIGHT - 3}" text-anchor="end">epoch</text>')
    for epochs, values, number in drawn:
        parts.append(line(across(epochs), down(np.minimum(values, high)), number))
    return f"<div><h3>{text(title)}</h3>{''.join(parts)}</svg></div>"


def line(x, y, number):
    """A curve, broken where values are not finite; a point where it has one alone."""
    style = f"c{number % COLORS} dash{number // COLORS % DASHES}"
    good = np.isfinite(y)
    if good.sum() == 1:
        return f'<circle class="dot {style}" cx="{x[good][0]:.1f}" cy="{y[good][0]:.1f}" r="4"/>'
    steps = "".join(
        f"{'L' if place and good[place - 1] else 'M'}{x[place]:.1f} {y[place]:.1f}" for place in np.flatnonzero(good)
    )
    return f'<path class="line {style}" d="{steps}"/>'


def legend(names):
    """The list of what the curves 0, 1, ... are."""
    items = (
        f'<li><svg viewBox="0 0 32 12" aria-hidden="true"><path class="line c{n % COLORS} dash{n // COLORS % DASHES}"'
        f' d="M0 6H32"/></svg>{named(name)}</li>'
        for n, name in enumerate(names)
    )
    return f'<ul class="legend">{"".join(items)}</ul>'


def ticks(low, high, most, whole=False):
    """Round numbers from low to high, at most about `most`."""
    power = 10.0 ** math.floor(math.log10(max(high - low, 1e-9) / most))
    step = next((s * power for s in (*TICKS, 10) if (high - low) / (s * power) <= most), 10 * power)
    step = max(step, 1) if whole else step
    return np.arange(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1) * step


def matrix(counts, classes):
    """A confusion matrix, rows = true classes, whose cells have titles; page.js names the cell that is pointed at."""
    nclass, clips = len(classes), counts.sum(1)
    side = 9 if nclass > 60 else 12 if nclass > NUMBERED else 22 if nclass > 12 else 34
    font = min(max(side - 1, 8), 14)
    names = [shown(name, 22) for name in classes]
    margin = int(max(map(len, names)) * font * 0.66) + 8
    size = margin + nclass * side
    parts = [
        f'<svg class="matrix" width="{size + 2}" height="{size + 2}" tabindex="0" role="img"'
        f' aria-label="confusion matrix; arrow keys move from cell to cell"'
        f' data-grid="{margin} {margin} {side}" style="font-size:{font}px">'
        f'<rect class="frame" x="{margin}" y="{margin}" width="{nclass * side}" height="{nclass * side}"/>'
    ]
    for place, (name, full) in enumerate(zip(names, classes)):
        middle = margin + (place + 0.5) * side
        title = f"<title>{text(full)}</title>"
        parts.append(
            f'<text class="row" x="{margin - 4}" y="{middle + font * 0.35:.1f}">{html.escape(name)}{title}</text>'
        )
        parts.append(
            f'<text transform="translate({middle + font * 0.35:.1f} {margin - 4}) rotate(-90)">'
            f"{html.escape(name)}{title}</text>"
        )
    for row, column in np.argwhere(counts):
        parts.append(cell(row, column, counts[row, column], clips[row], classes, margin, side, nclass <= NUMBERED))
    mark = f'<rect class="mark" width="{side}" height="{side}" visibility="hidden"/>'
    return "".join(parts) + mark + "</svg>"


def cell(row, column, number, clips, classes, margin, side, numbered):
    """A cell that is not 0; small shares, which most confusions are, stand out from none."""
    x, y, kind = margin + column * side, margin + row * side, "hit" if row == column else "miss"
    opacity = 0.25 + 0.55 * (number / clips) ** 0.6
    what = "right" if row == column else f"→ \u2068{text(classes[column])}\u2069"  # isolates: see `named`
    written = (
        f'<text class="count" x="{x + side / 2:g}" y="{y + side / 2 + 5:g}" pointer-events="none">{number}</text>'
        if numbered
        else ""
    )
    return (
        f'<rect class="{kind}" data-at="{row},{column}" x="{x}" y="{y}" width="{side}" height="{side}"'
        f' fill-opacity="{opacity:.2f}"><title>\u2068{text(classes[row])}\u2069 {what}: '
        f"{number} of {count(clips, 'clip')}</title></rect>{written}"
    )


def bars(counts, classes):
    """A bar for each class that has clips, the worst first."""
    rates, clips = class_accuracy(counts), counts.sum(1)
    order = sorted(np.flatnonzero(clips), key=lambda label: (rates[label], -clips[label], label))
    items = (
        f'<li>{named(classes[n])}<span class="bar"><i style="width:{rates[n]:.1%}"></i></span>'
        f'<span class="soft">{counts[n, n]} of {clips[n]}</span></li>'
        for n in order
    )
    return f'<ul class="bars">{"".join(items)}</ul>'
