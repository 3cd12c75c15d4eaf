"""Figures of a test from arrays: nothing here knows of files."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from actioncnn.cli import count
from actioncnn.runs.statistics import LEAST_GROUPS, Resampling, paired_loss

SMALL = 0.1  # of the accuracy above chance: a network that loses less without the order of frames does not see motion


def evaluate(truth: Sequence[int] | np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """{"loss", "top1", "top5", "mean_class_accuracy"} of tested clips, nan without any.

    truth: int (N,); probabilities: (N, classes). loss: mean cross entropy.
    """
    truth = np.asarray(truth)
    rates = class_accuracy(confusion(truth, np.argmax(probabilities, axis=1), probabilities.shape[1]))
    return {
        "loss": float(-np.log(probabilities[range(len(truth)), truth].clip(1e-7)).mean()) if len(truth) else math.nan,
        "top1": topk(probabilities, truth, 1),
        "top5": topk(probabilities, truth, 5),
        "mean_class_accuracy": float(np.nanmean(rates)) if len(truth) else math.nan,
    }


def in_words(figures: Mapping[str, float], truth: Sequence[int] | np.ndarray, classes: int) -> str:
    """The figures of `evaluate` and chance in a line, without those that say nothing of few classes, or of equal ones.

    truth: int (N,), of the tested clips; classes: how many the network knows.
    """
    named = {"loss": "loss", "top1": "top-1", "top5": "top-5", "mean_class_accuracy": "mean class accuracy"}
    if classes <= 5:
        del named["top5"]
    if len(set(np.unique(truth, return_counts=True)[1])) < 2:
        del named["mean_class_accuracy"]
    words = [f"{name} {figures[key] + 0:.4f}".replace("-0.0000", "0.0000") for key, name in named.items()]
    return ", ".join([*words, f"chance {chance(truth):.4f}"])


def chance(truth: Sequence[int] | Sequence[str] | np.ndarray) -> float:
    """The accuracy of always naming the largest class; truth: labels or names of the tested clips, (N,)."""
    return float(np.unique(truth, return_counts=True)[1].max() / len(truth)) if len(truth) else math.nan


def ranking(probabilities: np.ndarray) -> np.ndarray:
    """Labels by falling probability, int (N, classes); of equal ones the lower label first, as `argmax` has it."""
    return np.argsort(-np.asarray(probabilities, np.float64), axis=1, kind="stable")


def topk(probabilities: np.ndarray, truth: Sequence[int] | np.ndarray, k: int) -> float:
    """Share of clips whose true class is among the k most probable; nan without clips."""
    if len(truth) == 0:
        return math.nan
    return float((ranking(probabilities)[:, :k] == np.asarray(truth)[:, None]).any(1).mean())


def confusion(truth: Sequence[int] | np.ndarray, predicted: Sequence[int] | np.ndarray, nclass: int) -> np.ndarray:
    """Counts, int (nclass, nclass): row = true class, column = predicted class."""
    matrix = np.zeros((nclass, nclass), int)
    np.add.at(matrix, (np.asarray(truth, int), np.asarray(predicted, int)), 1)
    return matrix


def class_accuracy(matrix: np.ndarray) -> np.ndarray:
    """Share of each class's clips that are right, float (classes,); nan for a class without clips."""
    counts = matrix.sum(1)
    return np.where(counts > 0, matrix.diagonal() / np.maximum(counts, 1), np.nan)


def class_figures(matrix: np.ndarray) -> np.ndarray:
    """Precision, recall and F1 of each class, float (3, classes); nan where a share of nothing is asked for."""
    right, clips, predicted = matrix.diagonal(), matrix.sum(1), matrix.sum(0)
    pairs = ((right, predicted), (right, clips), (2 * right, clips + predicted))
    return np.array([np.where(of > 0, part / np.maximum(of, 1), np.nan) for part, of in pairs])


def not_better(right: np.ndarray, truth: Sequence[int] | Sequence[str] | np.ndarray, resampling: Resampling) -> bool:
    """Whether an accuracy is not surely above chance; right: bool or float (N,), truth: labels or names (N,)."""
    low = resampling.share(right).low
    return math.isnan(low) or low <= chance(truth)


def tell_chance(
    right: np.ndarray, truth: Sequence[int] | Sequence[str] | np.ndarray, groups: Sequence | np.ndarray
) -> list[str]:
    """[a sentence], or [] where the accuracy is surely above chance. See `not_better`; groups: of each clip."""
    if not len(right) or not not_better(right, truth, Resampling(groups)):
        return []
    return [f"accuracy {np.mean(right):.1%}, chance {chance(truth):.1%}: not surely better than chance"]


def tell_motion(
    right: np.ndarray, mixed: np.ndarray, truth: Sequence[int] | np.ndarray, groups: Sequence | np.ndarray
) -> str:
    """A sentence: whether a network goes by the order of the frames, or that these clips do not tell.

    right: whether it is right about each clip, (N,); mixed: the same with its frames shuffled, or the share of several
    shuffles in which it is right; truth: label of each clip; groups: of each clip, one of its own where none is known.
    """
    right, mixed, resampling = np.asarray(right, float), np.asarray(mixed, float), Resampling(groups)
    figures = f"accuracy {right.mean():.1%}, with frames shuffled {mixed.mean():.1%}"
    clips = f"{count(len(right), 'clip')} of {count(resampling.count, 'group')}"
    unsure = f"{figures}: {clips} cannot tell whether the network sees motion"
    if resampling.count < LEAST_GROUPS:
        return unsure
    least = chance(truth)
    if not_better(right, truth, resampling):
        return f"{figures}, chance {least:.1%}: not surely better than chance, so this tells nothing of motion"
    lost, (low, high) = paired_loss(right, mixed, resampling)
    if low > 0:
        points = f"{100 * lost:.0f} points, between {100 * low:.0f} and {100 * high:.0f},"
        return f"{figures}: {points} depend on the order of the frames, that is, on motion"
    if high < SMALL * (right.mean() - least):
        most = f"at most {max(100 * high, 0):.1f} points depend on the order of the frames"
        return f"{figures}: {most}, the network does not see motion"
    return f"{unsure}: it loses between {100 * low:.0f} and {100 * high:.0f} points"
