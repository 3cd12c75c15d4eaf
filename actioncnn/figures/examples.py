"""Test clips of a training run as filmstrips: what the network took them for, and how sure it was."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from actioncnn.cli import count as number_of
from actioncnn.figures import mosaic, strips
from actioncnn.figures.text import GRAY, GREEN, ORANGE, rgb, shown

FRAMES = 10  # of a clip that are shown, at most
SIDE = 72  # pixels a frame is enlarged or reduced to in a strip
SINGLE = 96  # pixels, alone
TEXT = 345  # pixels, width of the text beside a strip
GAP = 14  # pixels between strips, and between a strip and its text


def draw_examples(
    clips: np.ndarray | Sequence[np.ndarray],
    files: Sequence[Path | str],
    classes: Sequence[str],
    truth: np.ndarray,
    probabilities: np.ndarray,
    count: int = 12,
) -> bytes:
    """PNG, as bytes, of test clips with their probabilities: half of `count` mistakes, half right ones, if there are.

    clips: uint8 (N, H, W, T, C) or (N, H, W, C), gray or RGB; truth: int (N,); probabilities: float (N, classes).
    """
    truth, probabilities = np.asarray(truth), np.asarray(probabilities, float)
    tiles = []
    for index in (chosen := choose_examples(truth, probabilities, count)):
        lines = describe(Path(files[index]).name, classes, truth[index], probabilities[index])
        tiles.append(tile(filmstrip(np.asarray(clips[index])), lines))
    title = f"{len(chosen)} of {number_of(len(truth), 'test clip')}: confident mistakes, then right ones"
    columns = 1 if tiles[0].shape[1] > SINGLE + TEXT + 3 * GAP else 2
    sheet = mosaic.lay_out(tiles, columns, GAP, down=True)
    return strips.image(mosaic.below(mosaic.write(title, TEXT + SINGLE, 15), sheet, gap=GAP, margin=GAP))


def tile(picture: np.ndarray, lines: Sequence[dict[str, Any]]) -> np.ndarray:
    """A picture with a bar in the color of the first of some lines of text at its left, and the lines at its right."""
    bar = np.full((len(picture), 5, 3), lines[0]["color"], np.uint8)
    words = mosaic.below(*(mosaic.write(width=TEXT, **line) for line in lines), min_width=TEXT)
    return mosaic.beside(mosaic.beside(bar, picture, gap=3), words, gap=GAP, align=(0.5, 0))


def choose_examples(truth: np.ndarray, probabilities: np.ndarray, count: int) -> list[int]:
    """Indices of at most `count` clips, mistakes first, each kind by confidence, one of every class before a second."""
    predicted, confidence = probabilities.argmax(1), probabilities.max(1)
    mistakes, right = (
        one_of_each(np.flatnonzero(kind), truth, confidence) for kind in (predicted != truth, predicted == truth)
    )
    mistakes = mistakes[: max(count // 2, count - len(right))]
    return mistakes + right[: count - len(mistakes)]


def one_of_each(indices: np.ndarray, truth: np.ndarray, confidence: np.ndarray) -> list[int]:
    """Indices by falling confidence in rounds: the first of every class, the second of every class, and so on."""
    turns: dict[int, int] = {}
    rounds = []
    for index in sorted(indices, key=lambda index: -confidence[index]):
        turns[truth[index]] = turns.get(truth[index], 0) + 1
        rounds.append((turns[truth[index]], -confidence[index], index))
    return [index for _, _, index in sorted(rounds)]


def filmstrip(clip: np.ndarray) -> np.ndarray:
    """A strip of a clip (H, W, T, C), or an enlarged frame (H, W, C)."""
    if clip.ndim == 3 or clip.shape[2] == 1:
        return strips.enlarge(clip.reshape(*clip.shape[:2], -1), SINGLE)
    return strips.strip(clip, SIDE, FRAMES)


def describe(file: str, classes: Sequence[str], true: int, row: np.ndarray) -> tuple[dict[str, Any], ...]:
    """Three lines of text, as mosaic.write takes them: predicted class, true or next class, file."""
    first, second = np.argsort(-row, kind="stable")[[0, min(1, len(row) - 1)]]
    mark, color, word, other = ("✓", GREEN, "next", second) if first == true else ("✗", ORANGE, "true", true)
    return (
        {"line": f"{mark} {shown(classes[first])} {row[first]:.1%}", "size": 14, "color": rgb(color), "bold": True},
        {"line": f"{word}: {shown(classes[other])} {row[other]:.1%}", "size": 14},
        {"line": shown(file, 40), "size": 12, "color": rgb(GRAY)},
    )
