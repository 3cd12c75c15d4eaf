"""Does a network use motion? What it says of clips whose frames are reversed, shuffled, all the same, without ground.

A network that knows as much of a shuffled clip as of the clip does not see motion: it goes by what is in the frames.
"""

import textwrap
from typing import NamedTuple

import numpy as np

from actioncnn.figures.text import BLUE, GRAY, LIGHT, ORANGE, shown
from actioncnn.runs.metrics import tell_motion

SEEDS = 5  # shuffles of each clip
STILLS = 10  # frames, evenly spread, that are repeated in turn
BATCH = 32  # clips
HALF = 0.5  # of a clip's probability above chance: what it must lose for the order to matter


class Row(NamedTuple):
    """What a network says of clips that were changed in one way; means over the variants of a way, as the seeds."""

    name: str
    probability: np.ndarray  # (N,), of the true class; without labels, of the class predicted for the unmodified clip
    right: np.ndarray  # (N,), share of the variants in which that class is the most probable one
    least: np.ndarray  # (N,), probability in the variant where it is least
    most: np.ndarray  # (N,)


def motion(model, clips, labels=None, watch=lambda clips: None):
    """Rows of a table: the clips as they are, reversed, shuffled, as each of their frames, less their mean over time.

    model: a function of uint8 clips (N, H, W, T, C) that gives probabilities (N, classes), as a Model; labels:
    int (N,), the true classes, or None: then the network is held to what it says of the clips as they are. watch: is
    called with the number of clips of each batch that the network has seen.
    """
    ask = lambda change: _ask(model, clips, change, watch)  # noqa: E731
    answers = {name: np.stack([ask(change) for change in ways]) for name, ways in ways_of(clips).items()}
    labels = next(iter(answers.values()))[0].argmax(1) if labels is None else np.asarray(labels)
    return [_row(name, shares, labels) for name, shares in answers.items()]


def _row(name, shares, labels):
    """shares: (variants, N, classes)."""
    own = shares[:, np.arange(len(labels)), labels]
    return Row(name, own.mean(0), (shares.argmax(-1) == labels).mean(0), own.min(0), own.max(0))


def _ask(model, clips, change, watch):
    answers = []
    for start in range(0, len(clips), BATCH):
        answers.append(model(change(np.asarray(clips[start : start + BATCH]))))
        watch(len(answers[-1]))
    return np.concatenate(answers)


def ways_of(clips):
    """{name: functions that change clips (B, H, W, T, C)}."""
    depth = clips[:1].shape[3]
    stills = np.unique(np.linspace(0, depth - 1, min(depth, STILLS)).round().astype(int))
    return {
        "as it is": [lambda clips: clips],
        "reversed": [lambda clips: clips[:, :, :, ::-1]],
        "shuffled": [lambda clips, seed=seed: shuffled(clips, seed) for seed in range(SEEDS)],
        "one frame": [lambda clips, place=place: clips[:, :, :, [place] * depth] for place in stills],
        "without ground": [without_ground],
    }


def shuffled(clips, seed):
    """Clips (B, H, W, T, C), the frames of each in another random order that is not the right one."""
    rng, depth = np.random.default_rng(seed), clips.shape[3]
    orders = np.stack([_disorder(rng, depth) for _ in clips])
    return np.take_along_axis(clips, orders[:, None, None, :, None], 3)


def _disorder(rng, depth):
    order = rng.permutation(depth)
    while depth > 1 and (np.diff(order) == 1).all():
        order = rng.permutation(depth)
    return order


def without_ground(clips):
    """Clips less their mean over time, what does not move: float32, around the mean of all their pixels."""
    clips = clips.astype(np.float32)
    return np.clip(clips - clips.mean(3, keepdims=True) + clips.mean((1, 2, 3), keepdims=True), 0, 255)


def table(rows, true):
    """Lines of text for people. true: whether the class is the true one, else it is what the clips were taken for."""
    right = "right" if true else "same class"
    lines = [f"  {'frames':<16}{right:>10}  probability  [least, most]"]
    for row in rows:
        span = f"[{row.least.mean():.2f}, {row.most.mean():.2f}]"
        lines.append(f"  {row.name:<16}{row.right.mean():>10.1%}  {row.probability.mean():>11.2f}  {span}".rstrip())
    return lines


def verdict(rows, nclass):
    """A sentence on one clip: whether it loses more than HALF of the probability that its class has above chance."""
    before, after, chance = rows[0].probability[0], mixed(rows).probability[0], 1 / nclass
    if before <= chance:
        return f"probability {before:.2f}, no more than chance: the order of the frames tells nothing of this class"
    depends = "depends" if before - after > HALF * (before - chance) else "hardly depends"
    return f"the answer {depends} on the order of the frames: probability {before:.2f}, shuffled {after:.2f}"


def verdict_of_many(rows, labels, groups):
    """A sentence on the network; labels: the true classes, int (N,); groups: label of each clip's group."""
    return tell_motion(rows[0].right, mixed(rows).right, labels, groups)


def mixed(rows):
    return next(row for row in rows if row.name == "shuffled")


def figure(rows, title, verdict, chance):
    """Figure: accuracy and probability of each row of the table as bars, chance as a line, the verdict below."""
    from matplotlib.figure import Figure

    lines = textwrap.wrap(verdict, 100)
    below = 0.95 + 0.2 * len(lines)  # inches
    height = 0.55 * len(rows) + 0.6 + below
    figure = Figure((7.5, height))
    axes = figure.add_axes((0.19, below / height, 0.76, 0.55 * len(rows) / height))
    axes.axvline(chance, color=ORANGE, linewidth=1.4, linestyle=(0, (4, 3)), label=f"chance, {chance:.1%}")
    names = "right, share of clips", "probability of the class, mean"
    for shift, color, values, name in zip((-0.2, 0.2), (BLUE, GRAY), ("right", "probability"), names, strict=True):
        means = [getattr(row, values).mean() for row in rows]
        axes.barh(np.arange(len(rows)) + shift, means, 0.36, color=color, label=name)
        for place, mean in enumerate(means):
            axes.text(mean + 0.008, place + shift, f"{mean:.1%}", va="center", size=8, color=GRAY)
    axes.set_yticks(range(len(rows)), [row.name for row in rows])
    axes.set(xlim=(0, 1.08), ylim=(len(rows) - 0.4, -0.6))
    axes.set_title(shown(title, 90), pad=10)
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.set_xticks(np.linspace(0, 1, 6))
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=LIGHT, linewidth=0.8)
    axes.set_axisbelow(True)
    place = {"loc": "upper left", "bbox_to_anchor": (0.01, (below - 0.25) / height), "borderaxespad": 0}
    figure.legend(ncols=3, frameon=False, fontsize=9, **place)
    words = "\n".join([*lines, "without ground: each clip less its mean over time, so that only what moves is left"])
    figure.text(0.02, 0.08 / height, words, size=9, va="bottom", linespacing=1.4)
    return figure
