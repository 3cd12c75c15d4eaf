"""Test clips of a training run as filmstrips: what the network took them for, and how sure it was."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from actioncnn.figures.strips import enlarge, strip
from actioncnn.figures.text import DPI, GRAY, GREEN, ORANGE, shown

FRAMES = 10  # of a clip that are shown, at most
SIDE = 72  # pixels a frame is enlarged or reduced to in a strip
SINGLE = 96  # pixels, alone
TOP = 40  # pixels, height of the title
GAP = 14  # pixels between strips
TEXT = 360  # pixels, width of the text beside a strip
LINES = (-21, 0, 20)  # pixels from the middle of a strip to each line of text


def examples(clips, files, classes, truth, probabilities, count=12):
    """Filmstrips of test clips with their probabilities: half of `count` mistakes, half right ones, where there are.

    clips: uint8 (N, H, W, T, C) or (N, H, W, C), gray or RGB; truth: int (N,); probabilities: float (N, classes).
    """
    truth, probabilities = np.asarray(truth), np.asarray(probabilities, float)
    chosen = choose_examples(truth, probabilities, count)
    strips = [filmstrip(np.asarray(clips[index])) for index in chosen]
    high, wide = strips[0].shape[:2]
    columns = 1 if wide > SINGLE else 2
    rows = -(-len(strips) // columns)
    tile_height, tile_width = max(high, LINES[-1] - LINES[0] + 16) + GAP, wide + TEXT
    canvas = np.full((TOP + rows * tile_height, columns * tile_width, 3), 255, np.uint8)
    figure = Figure((canvas.shape[1] / DPI, canvas.shape[0] / DPI))
    title = f"{len(chosen)} of {len(truth)} test clips: confident mistakes, then right ones"
    write_text(figure, 12, TOP / 2, title, size=11)
    for place, (index, picture) in enumerate(zip(chosen, strips, strict=True)):
        x, y = place // rows * tile_width + 20, TOP + place % rows * tile_height + (tile_height - GAP - high) // 2
        color, lines = describe(Path(files[index]).name, classes, truth[index], probabilities[index])
        canvas[y : y + high, x : x + wide] = picture
        canvas[y : y + high, x - 8 : x - 3] = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
        for line, (text, style) in zip(LINES, lines, strict=True):
            write_text(figure, x + wide + 14, y + high / 2 + line, text, **style)
    figure.figimage(canvas, origin="upper")  # pixel by pixel: nothing is resampled
    return figure


def write_text(figure, x, y, text, **style):
    """Text at a pixel from the top left corner."""
    width, height = figure.get_size_inches() * DPI
    figure.text(x / width, 1 - y / height, text, va="center", **style)


def choose_examples(truth, probabilities, count):
    """Indices of at most `count` clips, mistakes first, each kind by confidence, one of every class before a second."""
    predicted, confidence = probabilities.argmax(1), probabilities.max(1)
    mistakes, right = (
        one_of_each(np.flatnonzero(kind), truth, confidence) for kind in (predicted != truth, predicted == truth)
    )
    mistakes = mistakes[: max(count // 2, count - len(right))]
    return mistakes + right[: count - len(mistakes)]


def one_of_each(indices, truth, confidence):
    """Indices by falling confidence in rounds: the first of every class, the second of every class, and so on."""
    turns, rounds = {}, []
    for index in sorted(indices, key=lambda index: -confidence[index]):
        turns[truth[index]] = turns.get(truth[index], 0) + 1
        rounds.append((turns[truth[index]], -confidence[index], index))
    return [index for _, _, index in sorted(rounds)]


def filmstrip(clip):
    """A strip of a clip (H, W, T, C), or an enlarged frame (H, W, C)."""
    if clip.ndim == 3 or clip.shape[2] == 1:
        return enlarge(clip.reshape(*clip.shape[:2], -1), SINGLE)
    return strip(clip, SIDE, FRAMES)


def describe(file, classes, true, row):
    """The color of a clip, and three lines of text with their style: predicted class, true or next class, file."""
    first, second = np.argsort(-row, kind="stable")[[0, min(1, len(row) - 1)]]
    mark, color, word, other = ("✓", GREEN, "next", second) if first == true else ("✗", ORANGE, "true", true)
    return color, (
        (f"{mark} {shown(classes[first])} {row[first]:.1%}", {"color": color, "weight": "bold"}),
        (f"{word}: {shown(classes[other])} {row[other]:.1%}", {}),
        (shown(file, 40), {"color": GRAY, "size": 8.5}),
    )
