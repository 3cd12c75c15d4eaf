"""Matplotlib figures: curves, confusion matrix, accuracy by class.

Each function takes plain data and returns a Figure, whose text is placed by hand, so that nothing is measured twice and
nothing jumps; `png` sets the style and renders it. Nothing here touches pyplot or its global state, so that a run draws
without a display and next to a user's own plots.
"""

import io

import numpy as np
from matplotlib.figure import Figure

from actioncnn.cli import shorten
from actioncnn.figures.text import BLUE, GRAY, LIGHT, ORANGE, shown, style

NUMBERED = 30  # classes: of so many all counts are written
LEAST = 0.1  # share of a row, of more classes, from which a count is written
COLUMN = 52  # classes in a column of bars: 101 stand in two, on one screen


def png(draw, *args):
    """PNG file, as bytes, of the figure draw(*args)."""
    with style():
        buffer = io.BytesIO()
        draw(*args).savefig(buffer, format="png")
    return buffer.getvalue()


def accuracy(history):
    """Curves of `acc` and `val_acc` by epoch, within the narrowest of a few round limits."""
    values = finite(history, "acc", "val_acc")
    top = next((top for top in (0.1, 0.2, 0.5) if values.max(initial=0) <= 0.9 * top), 1)
    bottom = next((bottom for bottom in (0.9, 0.5) if values.min(initial=1) > bottom and top == 1), 0)
    return curves(history, "acc", "Accuracy", bottom, top + 0.02 * (top - bottom))


def loss(history):
    """Curves of `loss` and `val_loss` by epoch; a lone spike does not set the axis: it is named at the top."""
    values = finite(history, "loss", "val_loss")
    usual = max(typical(finite(history, key)) for key in ("loss", "val_loss"))
    highest = values.max(initial=0)
    top = highest if highest <= 2.5 * usual else 1.25 * usual
    return curves(history, "loss", "Loss", values.min(initial=0), 1.05 * top or 1)


def column(history, key):
    """One column of the history, float (epochs,); what is missing or not finite is nan."""
    values = np.array([row.get(key) if row.get(key) is not None else np.nan for row in history], float)
    return np.where(np.isfinite(values), values, np.nan)


def finite(history, *keys):
    """The finite values of some columns, one after the other."""
    values = np.concatenate([column(history, key) for key in keys])
    return values[np.isfinite(values)]


def typical(values):
    """The largest value after a median over three epochs, which drops spikes of a single one."""
    if len(values) < 3:
        return values.max(initial=0)
    return np.median(np.lib.stride_tricks.sliding_window_view(values, 3), axis=1).max()


def curves(history, key, title, low, high):
    """Training and validation by epoch, between `low` and `high`."""
    figure = Figure((8, 4.8))
    axes = figure.add_axes((0.08, 0.12, 0.73, 0.78))
    epochs = np.array([row["epoch"] for row in history])
    ends = []
    for name, label, color, level in ((key, "training", BLUE, 0.97), (f"val_{key}", "validation", ORANGE, 0.91)):
        values = column(history, name)
        marker = "o" if len(epochs) <= 30 else None
        axes.plot(epochs, np.where(values > high, np.nan, values), color, marker=marker, markersize=4, linewidth=1.6)
        mark_above(axes, epochs, np.where(values > high, values, np.nan), color, level)
        last = values[np.isfinite(values)][-1:].sum()  # a last value that is not finite is named where the curve ends
        ends.append([np.clip((last - low) / (high - low), 0, 1), f"{label} {values[-1]:.3f}", color])
    label_ends(axes, sorted(ends))
    pad = 0.012 * (epochs[-1] - epochs[0]) or 0.5
    axes.set(title=title, xlabel="epoch", xlim=(epochs[0] - pad, epochs[-1] + pad), ylim=(low, high))
    axes.locator_params(axis="x", nbins=12, integer=True, min_n_ticks=1)
    axes.grid(color=LIGHT, linewidth=0.8)
    axes.set_axisbelow(True)
    return figure


def mark_above(axes, epochs, values, color, level):
    """Arrowheads near the top of the axes for epochs above it, not nan, and the largest value."""
    if np.isnan(values).all():
        return
    transform = axes.get_xaxis_transform()
    axes.plot(epochs, np.where(np.isnan(values), np.nan, level), "^", color=color, transform=transform)
    place, options = (epochs[np.nanargmax(values)], level), {"xycoords": transform, "textcoords": "offset points"}
    axes.annotate(f"{np.nanmax(values):.3g}", place, (7, 0), va="center", color=color, **options)


def label_ends(axes, ends):
    """Each curve's name and last value to the right of the axes, at its height; the two not over each other."""
    gap = max(0.055 - (ends[1][0] - ends[0][0]), 0)  # of the axes' height: a line of text
    for (place, text, color), shift in zip(ends, (-gap / 2, gap / 2), strict=True):
        axes.text(1.015, place + shift, text, color=color, transform=axes.transAxes, va="center", weight="bold")


def confusion(matrix, classes):
    """Rows = true classes, columns = predicted ones; color = share of the row, gray where a class has no clips."""
    from matplotlib.colors import PowerNorm

    count, clips = len(classes), matrix.sum(1)
    cell = min(max(9 / count, 0.17), 0.75)  # inches
    font = min(max(cell * 72 * 0.6, 7), 10)
    names = [shown(name) for name in classes]
    margin = 0.5 + max(map(len, names)) * font * 0.62 / 72
    width, height = max(margin + count * cell + 1.2, 5.6), margin + count * cell + 0.8
    figure = Figure((width, height))
    axes = figure.add_axes((margin / width, margin / height, count * cell / width, count * cell / height))
    share = np.where(clips[:, None] > 0, matrix / np.maximum(clips, 1)[:, None], np.nan)
    norm = PowerNorm(0.6, 0, 1)  # small shares, which most confusions are, stand out from none
    image = axes.imshow(np.ma.masked_invalid(share), cmap="Blues", norm=norm, interpolation="nearest")
    axes.set_facecolor("#DDDDDD")  # shows through where a row has no clips
    label_cells(axes, names, font)
    figure.text(0.15 / width, 1 - 0.25 / height, f"Confusion matrix, {matrix.sum()} test clips", size=12, va="center")
    figure.text(0.15 / width, 1 - 0.5 / height, legend(count, np.sum(clips == 0)), size=9, color=GRAY, va="center")
    write_counts(axes, matrix, share, font)
    bar = figure.add_axes(
        ((margin + count * cell + 0.3) / width, margin / height, 0.14 / width, min(count * cell, 3) / height)
    )
    figure.colorbar(image, cax=bar, format="{x:.0%}").outline.set_visible(False)
    return figure


def label_cells(axes, names, font):
    """Class names along both axes, and lines between the cells."""
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=font)
    axes.set_yticks(range(len(names)), names, fontsize=font)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set(xlabel="predicted class", ylabel="true class")
    for edge in np.arange(0.5, len(names) - 1):
        axes.axhline(edge, color=LIGHT, linewidth=0.5)
        axes.axvline(edge, color=LIGHT, linewidth=0.5)


def legend(count, empty):
    """What the numbers and colors of a confusion matrix of `count` classes say, `empty` of them without clips."""
    few = "" if count <= NUMBERED else f", from {LEAST:.0%} of the true class"
    gray = f"; gray: {empty} without test clips" if empty else ""
    return f"number: clips{few}; color: share of the true class{gray}"


def write_counts(axes, matrix, share, font):
    """The counts into the cells that are not 0; of many classes only the large ones."""
    least = 0 if len(matrix) <= NUMBERED else LEAST
    for row, column in np.argwhere(matrix):
        if share[row, column] >= least:
            color = "white" if share[row, column] > 0.4 else "black"
            size = font if matrix[row, column] < 100 else font * 0.8
            axes.text(column, row, matrix[row, column], color=color, size=size, ha="center", va="center")


def class_accuracy(matrix, classes):
    """A bar for each class that has clips, best first, in columns of at most COLUMN classes; the mean as a line."""
    clips, right = matrix.sum(1), matrix.diagonal()
    order = sorted(np.flatnonzero(clips), key=lambda label: (-right[label] / clips[label], shown(classes[label])))
    columns = -(-len(order) // COLUMN)
    rows = -(-len(order) // columns)
    margin = 0.3 + max(len(shown(classes[label])) for label in order) * 9 * 0.62 / 72
    width, height = columns * (margin + 4.2), max(rows * 0.2, 0.5) + 1.1
    figure = Figure((width, height))
    mean = np.mean(right[order] / clips[order])
    for column in range(columns):
        left = (column * (margin + 4.2) + margin) / width
        axes = figure.add_axes((left, 0.5 / height, 3.2 / width, (height - 1.1) / height))
        draw_bars(axes, order[column * rows : (column + 1) * rows], right, clips, classes, rows)
        axes.axvline(mean, color=GRAY, linewidth=1, linestyle=(0, (4, 3)))
    figure.text(0.1 / width, 1 - 0.25 / height, f"Accuracy by class, mean {mean:.1%} (dashed)", size=12, va="center")
    missing = [shown(classes[label]) for label in np.flatnonzero(clips == 0)]
    if missing:
        figure.text(0.1 / width, 0.1 / height, f"without test clips: {shorten(missing, 3)}", size=9, color=GRAY)
    return figure


def draw_bars(axes, labels, right, clips, classes, rows):
    """One column of bars, from the top; as high as `rows` classes."""
    places = range(len(labels))
    axes.barh(places, [right[label] / clips[label] for label in labels], height=0.72, color=BLUE)
    for place, label in zip(places, labels, strict=True):
        axes.text(1.02, place, f"{right[label]} of {clips[label]}", size=8.5, va="center", color=GRAY)
    axes.set_yticks(places, [shown(classes[label]) for label in labels], fontsize=9)
    axes.set(xlim=(0, 1), ylim=(rows - 0.4, -0.6))
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=LIGHT, linewidth=0.8)
    axes.set_axisbelow(True)
