"""The pictures of a training run, as matplotlib figures: curves, confusion matrix, accuracy by class, example clips.

Each function takes plain data and returns a Figure; `png` sets the style and renders it. Nothing here touches pyplot or
its global state, so that a run draws without a display and next to a user's own plots.
"""

import io
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

# Okabe & Ito (2008): told apart by colour-blind readers too
BLUE, ORANGE, GREEN, GRAY = "#0072B2", "#D55E00", "#007A5A", "#666666"
DPI = 100
STYLE = {
    "font.family": "DejaVu Sans",
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
COLUMN = 52  # classes in a column of bars: 101 stand in two, on one screen
NAME = 28  # characters of a class name that are shown; the longest of UCF-101 has 18


def png(draw, *args):
    """PNG file, as bytes, of the figure draw(*args)."""
    with rc_context(STYLE):
        buffer = io.BytesIO()
        draw(*args).savefig(buffer, format="png")
    return buffer.getvalue()


def accuracy(history):
    """Curves of `acc` and `val_acc` by epoch, from 0 up to a round figure."""
    figure, axes, _, highest = curves(history, "acc", "Accuracy")
    axes.set_ylim(0, next((top for top in (0.1, 0.2, 0.5) if highest <= 0.9 * top), 1.02))
    label_ends(axes, history, "acc")
    return figure


def loss(history):
    """Curves of `loss` and `val_loss` by epoch; a lone spike does not set the axis, it is named at its top."""
    figure, axes, lowest, highest = curves(history, "loss", "Loss")
    usual = max(typical(row_values(history, key)) for key in ("loss", "val_loss"))
    top = highest if highest <= 2.5 * usual else 1.25 * usual
    axes.set_ylim(min(0, lowest), 1.05 * top or 1)
    mark_above(axes, history)
    label_ends(axes, history, "loss")
    return figure


def row_values(history, key):
    """One column of the history, float (epochs,); what is missing or not finite is nan."""
    values = np.array([row.get(key) if row.get(key) is not None else np.nan for row in history], float)
    return np.where(np.isfinite(values), values, np.nan)


def typical(values):
    """The largest value after a median over three epochs, which drops spikes of a single one."""
    values = values[np.isfinite(values)]
    if len(values) < 3:
        return values.max(initial=0)
    return np.median(np.lib.stride_tricks.sliding_window_view(values, 3), axis=1).max()


def curves(history, key, title):
    """(figure, axes, lowest, highest finite value) of training and validation by epoch."""
    figure = Figure((8, 4.8))
    axes = figure.add_axes((0.08, 0.12, 0.73, 0.78))
    epochs = [row["epoch"] for row in history]
    values = np.concatenate([row_values(history, key), row_values(history, f"val_{key}")])
    marker = "o" if len(epochs) <= 30 else None
    for name, color in ((key, BLUE), (f"val_{key}", ORANGE)):
        axes.plot(epochs, row_values(history, name), color=color, marker=marker, markersize=4, linewidth=1.6)
    pad = 0.012 * (epochs[-1] - epochs[0]) or 0.5
    axes.set_xlim(epochs[0] - pad, epochs[-1] + pad)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=12, integer=True, min_n_ticks=1))
    axes.grid(color="#E6E6E6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set(title=title, xlabel="epoch")
    finite = values[np.isfinite(values)]
    return figure, axes, finite.min(initial=np.inf), finite.max(initial=0)


def label_ends(axes, history, key):
    """Name each curve and its last value to the right of the axes, at its height, the two never over each other."""
    low, high = axes.get_ylim()
    labels = []
    for name, text, color in ((key, "training", BLUE), (f"val_{key}", "validation", ORANGE)):
        last = history[-1].get(name)
        last = np.nan if last is None else last
        place = (np.nan_to_num(last, nan=low, posinf=high) - low) / (high - low)
        labels.append([min(max(place, 0), 1), f"{text} {last:.3f}", color])
    labels.sort(key=lambda label: label[0])
    middle, gap = (labels[0][0] + labels[1][0]) / 2, 0.055
    if labels[1][0] - labels[0][0] < gap:
        labels[0][0], labels[1][0] = middle - gap / 2, middle + gap / 2
    for place, text, color in labels:
        axes.text(1.015, place, text, color=color, transform=axes.transAxes, va="center", fontweight="bold")


def mark_above(axes, history):
    """An arrowhead at the top of the axes, with the value, for epochs whose loss lies above."""
    top = axes.get_ylim()[1]
    for key, color, level in (("loss", BLUE, 0.975), ("val_loss", ORANGE, 0.92)):
        for row, value in zip(history, row_values(history, key), strict=True):
            if value > top:
                place = (row["epoch"], level)
                options = {"xytext": (7, 0), "textcoords": "offset points", "va": "center", "color": color}
                axes.plot(*place, "^", color=color, transform=axes.get_xaxis_transform())
                axes.annotate(f"{value:.3g}", place, xycoords=axes.get_xaxis_transform(), **options)


def shown(name):
    """A name as it is drawn: shortened in the middle, one line, without bytes that are no text."""
    name = " ".join(str(name).encode("utf-8", "replace").decode().split())
    return name if len(name) <= NAME else f"{name[: NAME // 2]}…{name[-NAME // 2 + 1 :]}"


def confusion(matrix, classes):
    """Rows = true classes, columns = predicted ones; colour = share of the row, gray where a class has no clips."""
    count, clips = len(classes), matrix.sum(1)
    cell = min(max(9 / count, 0.17), 0.75)  # inches
    font = min(max(cell * 72 * 0.6, 7), 10)
    names = [shown(name) for name in classes]
    margin = 0.5 + max(map(len, names)) * font * 0.62 / 72
    width, height = margin + count * cell + 1.2, margin + count * cell + 0.7
    figure = Figure((width, height))
    axes = figure.add_axes((margin / width, margin / height, count * cell / width, count * cell / height))
    share = np.where(clips[:, None] > 0, matrix / np.maximum(clips, 1)[:, None], np.nan)
    image = axes.imshow(np.ma.masked_invalid(share), cmap=gray_where_empty(), vmin=0, vmax=1, interpolation="nearest")
    axes.set_xticks(range(count), names, rotation=90, fontsize=font)
    axes.set_yticks(range(count), names, fontsize=font)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set(xlabel="predicted class", ylabel="true class")
    empty = f"; gray: {np.sum(clips == 0)} classes without test clips" if (clips == 0).any() else ""
    axes.set_title(f"Confusion matrix, {matrix.sum()} test clips{empty}", pad=10)
    for edge in np.arange(0.5, count - 1):
        axes.axhline(edge, color="#E6E6E6", linewidth=0.5)
        axes.axvline(edge, color="#E6E6E6", linewidth=0.5)
    write_counts(axes, matrix, share, font)
    bar = figure.add_axes(((width - 0.9) / width, margin / height, 0.14 / width, min(count * cell, 3) / height))
    figure.colorbar(image, cax=bar, format=PercentFormatter(1)).outline.set_visible(False)
    return figure


def gray_where_empty():
    from matplotlib import colormaps

    return colormaps["Blues"].with_extremes(bad="#DDDDDD")


def write_counts(axes, matrix, share, font):
    """The counts into the cells that are not 0; of many classes only the confusions that take a tenth of a row."""
    least = 0 if len(matrix) <= 30 else 0.1
    for row, column in np.argwhere(matrix):
        if share[row, column] >= least:
            color = "white" if share[row, column] > 0.55 else "black"
            size = font if matrix[row, column] < 100 else font * 0.8
            axes.text(column, row, matrix[row, column], color=color, size=size, ha="center", va="center")


def class_accuracy(matrix, classes):
    """A bar for each class that has clips, best first, in columns of at most COLUMN classes; the mean as a line."""
    clips, right = matrix.sum(1), matrix.diagonal()
    order = sorted(np.flatnonzero(clips), key=lambda label: (-right[label] / clips[label], shown(classes[label])))
    columns = -(-len(order) // COLUMN)
    rows = -(-len(order) // columns)
    margin = 0.3 + max(len(shown(classes[label])) for label in order) * 9 * 0.62 / 72
    width, height = columns * (margin + 4.2), max(rows * 0.2, 0.6) + 1.1
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
        named = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        figure.text(0.1 / width, 0.1 / height, f"without test clips: {named}", size=9, color=GRAY)
    return figure


def draw_bars(axes, labels, right, clips, classes, rows):
    """One column of bars, from the top; as high as `rows` classes."""
    places = range(len(labels))
    axes.barh(places, [right[label] / clips[label] for label in labels], height=0.72, color=BLUE)
    for place, label in zip(places, labels, strict=True):
        axes.text(1.02, place, f"{right[label]} of {clips[label]}", size=8.5, va="center", color=GRAY)
    axes.set_yticks(places, [shown(classes[label]) for label in labels], fontsize=9)
    axes.set(xlim=(0, 1), ylim=(max(rows, 3) - 0.4, -0.6))
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#E6E6E6", linewidth=0.8)
    axes.set_axisbelow(True)


def examples(clips, files, classes, truth, probabilities, count=12):
    """Filmstrips of test clips with their probabilities: half of `count` mistakes, then right ones, most confident first."""
    chosen = choose(np.asarray(truth), np.asarray(probabilities, float), count)
    strips = [filmstrip(np.asarray(clips[index])) for index in chosen]
    columns = 1 if strips[0].shape[1] > 200 else 2
    rows = -(-len(strips) // columns)
    tile_height, tile_width = strips[0].shape[0] + 14, strips[0].shape[1] + 360
    canvas = np.full((rows * tile_height + 40, columns * tile_width, 3), 255, np.uint8)
    height, width = canvas.shape[:2]
    figure = Figure((width / DPI, height / DPI))
    title = f"Test clips: the most confident mistakes, then right ones ({len(chosen)} of {len(truth)})"
    figure.text(12 / width, 1 - 20 / height, title, size=11, va="center")
    for place, (index, strip) in enumerate(zip(chosen, strips, strict=True)):
        x, y = place // rows * tile_width + 20, place % rows * tile_height + 40
        canvas[y : y + strip.shape[0], x : x + strip.shape[1]] = strip
        color = describe(
            figure,
            x + strip.shape[1] + 14,
            y + strip.shape[0] / 2,
            files[index],
            classes,
            truth[index],
            probabilities[index],
        )
        canvas[y : y + strip.shape[0], x - 8 : x - 3] = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    figure.figimage(canvas, origin="upper")
    return figure


def choose(truth, probabilities, count):
    """Indices of at most `count` clips: mistakes, then right ones, each by confidence, one of every class before a second."""
    predicted, confidence = probabilities.argmax(1), probabilities.max(1)
    kinds = []
    for kind in (predicted != truth, predicted == truth):
        seen, ranked = {}, []
        for index in sorted(np.flatnonzero(kind), key=lambda index: -confidence[index]):
            seen[truth[index]] = seen.get(truth[index], 0) + 1
            ranked.append((seen[truth[index]], -confidence[index], index))
        kinds.append([index for _, _, index in sorted(ranked)])
    mistakes = kinds[0][: max(count // 2, count - len(kinds[1]))]
    return mistakes + kinds[1][: count - len(mistakes)]


def filmstrip(clip):
    """At most 10 evenly spaced frames of a clip, uint8 (H, W, T, C), side by side: RGB, whole multiples of a pixel."""
    import cv2

    height, width, depth, channels = clip.shape
    side = max(height, width)
    wanted = 96 if depth == 1 else 72
    scale = max(wanted // side, 1) if side <= wanted else wanted / side
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    strip = np.full((size[1], 0, 3), 255, np.uint8)
    for index in np.linspace(0, depth - 1, min(depth, 10)).round().astype(int):
        frame = clip[:, :, index] if channels == 3 else np.repeat(clip[:, :, index, :1], 3, -1)
        frame = cv2.resize(frame, size, interpolation=cv2.INTER_NEAREST if scale >= 1 else cv2.INTER_AREA)
        strip = np.hstack([strip, np.full((size[1], 2, 3), 255, np.uint8), frame])
    return strip[:, 2:]


def describe(figure, x, y, file, classes, true, row):
    """Three lines of text at pixel (x, y from the top): what is predicted, what is true or next, the file. Its colour."""
    order = np.argsort(-row, kind="stable")
    right = order[0] == true
    color = GREEN if right else ORANGE
    second = (
        f"next: {shown(classes[order[1]])} {row[order[1]]:.1%}"
        if right
        else f"true: {shown(classes[true])} {row[true]:.1%}"
    )
    first = f"{'✓' if right else '✗'} {shown(classes[order[0]])} {row[order[0]]:.1%}"
    width, height = figure.get_size_inches() * DPI
    for text, shift, style in (
        (first, -21, {"color": color, "weight": "bold"}),
        (second, 0, {}),
        (shown(Path(file).name), 20, {"color": GRAY, "size": 8.5}),
    ):
        figure.text(x / width, 1 - (y + shift) / height, text, va="center", **style)
    return color
