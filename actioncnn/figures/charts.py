"""Matplotlib figures: curves, confusion matrix, accuracy by class.

Each function takes plain data and returns a Figure, whose text is placed by hand, so that nothing is measured twice and
nothing jumps; `png` and `svg` set the style and render it. Nothing here touches pyplot or its global state, so that a
run draws without a display and next to a user's own plots.
"""

import io
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from actioncnn.cli import count, shorten
from actioncnn.figures.text import BLUE, GRAY, GREEN, LIGHT, NAME, ORANGE, distinct, families, shown, style

NUMBERED = 30  # classes: of so many all counts are written
LEAST = 0.1  # share of a row, of more classes, from which a count is written
COLUMN = 52  # classes in a column of bars: 101 stand in two, on one screen
COLORS = (BLUE, ORANGE, GREEN, "#A8467B", "#444444", "#8A6100")  # of curves; the hues of Okabe & Ito, dark enough
DASHES = ("-", (0, (5, 2)), (0, (1.5, 1.5)))  # of the first six curves, the next six, and so on
SMALL = (4.8, 2.9)  # inches of a chart of a page, but for its legend: a phone shows it at four fifths
BAR_NAME = 52  # characters of a name beside its bar, in a file of its own
LEGEND = 46  # characters of a name in a legend


class Curve(NamedTuple):
    """Values by epoch, both float (epochs,); nan where there is no finite value. Curves of one style share a colour."""

    name: str
    epochs: np.ndarray
    values: np.ndarray
    style: int = 0  # 0, 1, ...: the place in COLORS, and beyond these in DASHES

    @property
    def finite(self) -> np.ndarray:
        return self.values[np.isfinite(self.values)]


def png(draw: Callable[..., Figure], *args: Any) -> bytes:
    """PNG file, as bytes, of the figure draw(*args)."""
    return render(draw, args, format="png")


def svg(draw: Callable[..., Figure], *args: Any) -> bytes:
    """SVG file, as bytes, of the figure draw(*args): without a background, letters as shapes, always the same bytes."""
    with rc_context({"svg.hashsalt": "actioncnn"}):
        return render(draw, args, format="svg", transparent=True, metadata={"Date": None})


def render(draw: Callable[..., Figure], args: Sequence[Any], **options: Any) -> bytes:
    with style():
        figure, buffer = draw(*args), io.BytesIO()
        for text in figure.findobj(Text):
            text.set_fontfamily(families(text.get_text()))
        figure.savefig(buffer, **options)
    return buffer.getvalue()


def curve(history: Sequence[Mapping[str, float]], key: str, name: str, style: int = 0) -> Curve:
    """The Curve of one column of a history."""
    values = np.array([row.get(key) if row.get(key) is not None else np.nan for row in history], float)
    epochs = np.array([row["epoch"] for row in history], float)
    return Curve(name, epochs, np.where(np.isfinite(values), values, np.nan), style)


def training_curves(history: Sequence[Mapping[str, float]], key: str, name: str = "", style: int = 0) -> list[Curve]:
    """The Curves of `key` and `val_key`, key: acc or loss; name: of the network, where there are several."""
    names = [f"{name} {side}".strip() for side in ("training", "validation")]
    return [curve(history, key, names[0], style), curve(history, f"val_{key}", names[1], style + 1)]


def accuracy(curves: Sequence[Curve], title: str = "Accuracy", small: bool = False) -> Figure:
    """Accuracies by epoch, within the nearest tenths."""
    values = np.concatenate([each.finite for each in curves])
    bottom = math.floor(10 * values.min(initial=1) - 0.2) / 10
    top = math.ceil(10 * values.max(initial=0) + 0.2) / 10
    bottom, top = max(min(bottom, 0.9), 0), min(max(top, 0.1), 1)
    return plot(curves, title, bottom, top + 0.02 * (top - bottom), small)


def loss(curves: Sequence[Curve], title: str = "Loss", small: bool = False) -> Figure:
    """Losses by epoch; a lone spike does not set the axis: it is named at the top."""
    values = np.concatenate([each.finite for each in curves])
    usual = max(typical(each.finite) for each in curves)
    highest = values.max(initial=0)
    top = highest if highest <= 2.5 * usual else 1.25 * usual
    return plot(curves, title, values.min(initial=0), 1.05 * top or 1, small)


def typical(values: np.ndarray) -> float:
    """The largest value after a median over three epochs, which drops spikes of a single one."""
    if len(values) < 3:
        return values.max(initial=0)
    return np.median(np.lib.stride_tricks.sliding_window_view(values, 3), axis=1).max()


def plot(curves: Sequence[Curve], title: str, low: float, high: float, small: bool) -> Figure:
    """Curves between `low` and `high`.

    small: a chart of a page, any number of curves, named in a legend. Otherwise a file of its own: two curves, named
    where they end.
    """
    figure, axes = small_axes(curves) if small else wide_axes(curves, low, high)
    for place, each in enumerate(curves):
        look, marker = line_style(each.style), "o" if len(each.finite) <= 30 else None
        within = np.where(each.values > high, np.nan, each.values)
        axes.plot(each.epochs, within, linewidth=1.6, marker=marker, markersize=4, **look)
        above = np.where(each.values > high, each.values, np.nan)
        mark_above(axes, each.epochs, above, look["color"], 0.97 - 0.06 * (place % 4))
    first, last = min(each.epochs[0] for each in curves), max(each.epochs[-1] for each in curves)
    pad = 0.012 * (last - first) or 0.5
    axes.set(title=title, xlabel="epoch", xlim=(first - pad, last + pad), ylim=(low, high))
    axes.locator_params(axis="x", nbins=8 if small else 12, integer=True, min_n_ticks=1)
    axes.grid(color=LIGHT, linewidth=0.8)
    axes.set_axisbelow(True)
    return figure


def line_style(style: int) -> dict[str, Any]:
    return {"color": COLORS[style % len(COLORS)], "linestyle": DASHES[style // len(COLORS) % len(DASHES)]}


def wide_axes(curves: Sequence[Curve], low: float, high: float) -> tuple[Figure, Axes]:
    """(figure, axes) of two curves, whose names and last values stand to the right."""
    figure = Figure((8, 4.8))
    axes = figure.add_axes((0.08, 0.12, 0.73, 0.78))
    ends = []
    for each in curves:
        last = each.finite[-1:].sum()  # a last value that is not finite is named where the curve ends
        place = np.clip((last - low) / (high - low), 0, 1)
        ends.append((place, f"{each.name} {each.values[-1]:.3f}", COLORS[each.style]))
    label_ends(axes, sorted(ends))
    return figure, axes


def small_axes(curves: Sequence[Curve]) -> tuple[Figure, Axes]:
    """(figure, axes) with a legend below: a name for each style, and the last value where one curve alone has it."""
    from matplotlib.lines import Line2D

    styles: dict[int, list[Curve]] = {}
    for each in curves:
        styles.setdefault(each.style, []).append(each)
    names = [
        shown(same[0].name, LEGEND) + (f" {same[0].values[-1]:.3f}" if len(same) == 1 else "")
        for same in styles.values()
    ]
    lines = [Line2D([], [], **line_style(style)) for style in styles]
    columns = min(max(int(SMALL[0] / (0.5 + 0.075 * max(map(len, names)))), 1), len(names))
    below = 0.5 + 0.2 * -(-len(names) // columns)  # inches: numbers of epochs, and the legend
    width, height = SMALL[0], SMALL[1] + below
    figure = Figure((width, height))
    axes = figure.add_axes((0.5 / width, below / height, (width - 0.6) / width, (SMALL[1] - 0.35) / height))
    place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0.02, 0), "borderaxespad": 0, "borderpad": 0}
    figure.legend(lines, names, ncols=columns, frameon=False, labelspacing=0.3, handlelength=2.4, **place)
    return figure, axes


def mark_above(axes: Axes, epochs: np.ndarray, values: np.ndarray, color: str, level: float) -> None:
    """Arrowheads near the top of the axes for epochs above it, not nan, and the largest value."""
    if np.isnan(values).all():
        return
    transform = axes.get_xaxis_transform()
    axes.plot(epochs, np.where(np.isnan(values), np.nan, level), "^", color=color, transform=transform)
    place, beside = (epochs[np.nanargmax(values)], level), (7, 0)  # points
    label = f"{np.nanmax(values):.3g}"
    axes.annotate(label, place, beside, transform, "offset points", va="center", color=color)


def label_ends(axes: Axes, ends: Sequence[tuple[float, str, str]]) -> None:
    """Each curve's name and last value to the right of the axes, at its height; the two not over each other."""
    gap = max(0.055 - (ends[1][0] - ends[0][0]), 0)  # of the axes' height: a line of text
    for (place, text, color), shift in zip(ends, (-gap / 2, gap / 2), strict=True):
        axes.text(1.015, place + shift, text, color=color, transform=axes.transAxes, va="center", weight="bold")


def confusion(matrix: np.ndarray, classes: Sequence[str]) -> Figure:
    """Rows = true classes, columns = predicted ones; color = share of the row, gray where a class has no clips."""
    from matplotlib.colors import PowerNorm

    nclass, clips = len(classes), matrix.sum(1)
    cell = min(max(9 / nclass, 0.17), 0.75)  # inches
    font = min(max(cell * 72 * 0.6, 7), 10)
    names = distinct(classes)
    margin = 0.5 + max(map(len, names)) * font * 0.62 / 72
    width, height = max(margin + nclass * cell + 1.2, 5.6), margin + nclass * cell + 0.8
    figure = Figure((width, height))
    axes = figure.add_axes((margin / width, margin / height, nclass * cell / width, nclass * cell / height))
    share = np.where(clips[:, None] > 0, matrix / np.maximum(clips, 1)[:, None], np.nan)
    norm = PowerNorm(0.6, 0, 1)  # small shares, which most confusions are, stand out from none
    image = axes.imshow(np.ma.masked_invalid(share), cmap="Blues", norm=norm, interpolation="nearest")
    axes.set_facecolor("#DDDDDD")  # shows through where a row has no clips
    label_cells(axes, names, font)
    figure.text(
        0.15 / width, 1 - 0.25 / height, f"Confusion matrix, {count(matrix.sum(), 'test clip')}", size=12, va="center"
    )
    figure.text(0.15 / width, 1 - 0.5 / height, legend(nclass, np.sum(clips == 0)), size=9, color=GRAY, va="center")
    write_counts(axes, matrix, share, font)
    bar = figure.add_axes(
        ((margin + nclass * cell + 0.3) / width, margin / height, 0.14 / width, min(nclass * cell, 3) / height)
    )
    figure.colorbar(image, cax=bar, format="{x:.0%}").outline.set_visible(False)
    return figure


def label_cells(axes: Axes, names: Sequence[str], font: float) -> None:
    """Class names along both axes, and lines between the cells."""
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=font)
    axes.set_yticks(range(len(names)), names, fontsize=font)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set(xlabel="predicted class", ylabel="true class")
    for edge in np.arange(0.5, len(names) - 1):
        axes.axhline(edge, color=LIGHT, linewidth=0.5)
        axes.axvline(edge, color=LIGHT, linewidth=0.5)


def legend(nclass: int, empty: int) -> str:
    """What the numbers and colors of a confusion matrix of `nclass` classes say, `empty` of them without clips."""
    few = "" if nclass <= NUMBERED else f", from {LEAST:.0%} of the true class"
    gray = f"; gray: {empty} without test clips" if empty else ""
    return f"number: clips{few}; color: share of the true class{gray}"


def write_counts(axes: Axes, matrix: np.ndarray, share: np.ndarray, font: float) -> None:
    """The counts into the cells that are not 0; of many classes only the large ones."""
    least = 0 if len(matrix) <= NUMBERED else LEAST
    for row, column in np.argwhere(matrix):
        if share[row, column] >= least:
            color = "white" if share[row, column] > 0.4 else "black"
            size = font if matrix[row, column] < 100 else font * 0.8
            axes.text(column, row, matrix[row, column], color=color, size=size, ha="center", va="center")


def by_accuracy(matrix: np.ndarray, classes: Sequence[str]) -> list[int]:
    """Labels of the classes that have test clips, the best first."""
    clips, right = matrix.sum(1), matrix.diagonal()
    return sorted(np.flatnonzero(clips), key=lambda label: (-right[label] / clips[label], shown(classes[label])))


def class_accuracy(matrix: np.ndarray, classes: Sequence[str]) -> Figure:
    """A bar for each class that has clips, best first, in columns of at most COLUMN classes; the mean as a line."""
    order = by_accuracy(matrix, classes)
    columns = -(-len(order) // COLUMN)
    rows = -(-len(order) // columns)
    margin = name_margin(classes, BAR_NAME)
    width, height = columns * (margin + 4.2), max(rows * 0.2, 0.5) + 1.1
    figure = Figure((width, height))
    for column in range(columns):
        left = (column * (margin + 4.2) + margin) / width
        axes = figure.add_axes((left, 0.5 / height, 3.2 / width, (height - 1.1) / height))
        draw_bars(axes, order[column * rows : (column + 1) * rows], matrix, classes, rows, BAR_NAME)
    title = f"Accuracy by class, mean {mean_accuracy(matrix):.1%} (dashed)"
    figure.text(0.1 / width, 1 - 0.25 / height, title, size=12, va="center")
    missing = [shown(classes[label]) for label in np.flatnonzero(matrix.sum(1) == 0).tolist()]
    if missing:
        figure.text(0.1 / width, 0.1 / height, f"without test clips: {shorten(missing, 3)}", size=9, color=GRAY)
    return figure


def small_class_accuracy(matrix: np.ndarray, classes: Sequence[str], labels: Sequence[int]) -> Figure:
    """A column of bars for some classes, small enough for a page; the mean over all classes as a line."""
    margin, height = name_margin(classes), max(len(labels) * 0.2, 0.5) + 0.4
    figure = Figure((SMALL[0], height))
    across = (SMALL[0] - margin - 0.9) / SMALL[0]
    axes = figure.add_axes((margin / SMALL[0], 0.3 / height, across, (height - 0.4) / height))
    draw_bars(axes, labels, matrix, classes, len(labels))
    return figure


def forest(names: Sequence[str], values: Sequence[tuple[float, float, float]]) -> Figure:
    """Differences with their intervals, a line for each of some pairs; values: (difference, low, high), shares."""
    high = 0.34 * len(names) + 0.9
    names = [shown(name, 60) for name in distinct(names, 60)]
    margin = min(0.3 + max(map(len, names)) * 9 * 0.55 / 72, 4.2)
    width = margin + 4
    figure = Figure((width, high))
    axes = figure.add_axes((margin / width, 0.5 / high, 3.85 / width, (high - 0.6) / high))
    axes.axvline(0, color=GRAY, linewidth=1)
    for place, (value, *ends) in enumerate(values):
        told = ends[0] > 0 or ends[1] < 0
        axes.plot(100 * np.array(ends), [place] * 2, color=BLUE if told else GRAY, linewidth=2.4 if told else 1.4)
        axes.plot(100 * value, place, "o", color=BLUE if told else GRAY, markersize=6)
    axes.set_yticks(range(len(names)), names, fontsize=9)
    axes.set(ylim=(len(names) - 0.5, -0.5), xlabel="difference in points, 95 % interval; blue: told apart")
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=LIGHT, linewidth=0.8)
    axes.set_axisbelow(True)
    return figure


def class_differences(rows: Sequence[tuple[float, str, int]], title: str) -> Figure:
    """Bars of differences by class; rows: (difference as a share, class, number of clips)."""
    high, names = 0.2 * len(rows) + 0.9, distinct([name for _, name, _ in rows])
    margin = 0.3 + max(map(len, names)) * 9 * 0.58 / 72
    width = margin + 4.7
    figure = Figure((width, high))
    axes = figure.add_axes((margin / width, 0.3 / high, 3.85 / width, (high - 0.7) / high))
    values = [100 * value for value, _, _ in rows]
    axes.barh(range(len(rows)), values, 0.72, color=[BLUE if value > 0 else ORANGE for value in values])
    axes.axvline(0, color=GRAY, linewidth=1)
    for place, (_, _, clips) in enumerate(rows):
        axes.text(
            1.02, place, count(clips, "clip"), size=8.5, va="center", color=GRAY, transform=axes.get_yaxis_transform()
        )
    axes.set_yticks(range(len(rows)), names, fontsize=9)
    axes.set(ylim=(len(rows) - 0.4, -0.6))
    figure.text(0.1 / width, 1 - 0.2 / high, shown(title, 80), size=10, va="center")
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=LIGHT, linewidth=0.8)
    axes.set_axisbelow(True)
    return figure


def mean_accuracy(matrix: np.ndarray) -> float:
    """Mean over the classes that have test clips."""
    clips = matrix.sum(1)
    return np.mean(matrix.diagonal()[clips > 0] / clips[clips > 0])


def name_margin(classes: Sequence[str], longest: int = NAME) -> float:
    """Inches that the longest name of a class takes to the left of its bar."""
    return 0.3 + max(map(len, distinct(classes, longest))) * 9 * 0.62 / 72


def draw_bars(
    axes: Axes, labels: Sequence[int], matrix: np.ndarray, classes: Sequence[str], rows: int, longest: int = NAME
) -> None:
    """One column of bars, from the top; as high as `rows` classes."""
    places, clips, right = range(len(labels)), matrix.sum(1), matrix.diagonal()
    axes.axvline(mean_accuracy(matrix), color=GRAY, linewidth=1, linestyle=(0, (4, 3)))
    axes.barh(places, [right[label] / clips[label] for label in labels], height=0.72, color=BLUE)
    for place, label in zip(places, labels, strict=True):
        axes.text(1.02, place, f"{right[label]} of {clips[label]}", size=8.5, va="center", color=GRAY)
    names = distinct(classes, longest)
    axes.set_yticks(places, [names[label] for label in labels], fontsize=9)
    axes.set(xlim=(0, 1), ylim=(rows - 0.4, -0.6))
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=LIGHT, linewidth=0.8)
    axes.set_axisbelow(True)
