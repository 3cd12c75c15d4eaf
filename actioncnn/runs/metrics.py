"""Figures of a test from arrays: nothing here knows of files."""

import math

import numpy as np

SURE = 2  # standard errors, from which a difference is one


def evaluate(truth, probabilities):
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


def in_words(figures, truth):
    """The figures of `evaluate` in a line; mean class accuracy where the tested classes differ in size.

    truth: int (N,), of the tested clips.
    """
    named = {"loss": "loss", "top1": "top-1", "top5": "top-5", "mean_class_accuracy": "mean class accuracy"}
    if len(set(np.unique(truth, return_counts=True)[1])) < 2:
        del named["mean_class_accuracy"]
    return ", ".join(f"{name} {figures[key]:.4f}" for key, name in named.items())


def ranking(probabilities):
    """Labels by falling probability, int (N, classes); of equal ones the lower label first, as `argmax` has it."""
    return np.argsort(-np.asarray(probabilities, np.float64), axis=1, kind="stable")


def topk(probabilities, truth, k):
    """Share of clips whose true class is among the k most probable; nan without clips."""
    if len(truth) == 0:
        return math.nan
    return float((ranking(probabilities)[:, :k] == np.asarray(truth)[:, None]).any(1).mean())


def confusion(truth, predicted, nclass):
    """Counts, int (nclass, nclass): row = true class, column = predicted class."""
    matrix = np.zeros((nclass, nclass), int)
    np.add.at(matrix, (np.asarray(truth, int), np.asarray(predicted, int)), 1)
    return matrix


def class_accuracy(matrix):
    """Share of each class's clips that are right, float (classes,); nan for a class without clips."""
    counts = matrix.sum(1)
    return np.where(counts > 0, matrix.diagonal() / np.maximum(counts, 1), np.nan)


def class_figures(matrix):
    """Precision, recall and F1 of each class, float (3, classes); nan where a share of nothing is asked for."""
    right, clips, predicted = matrix.diagonal(), matrix.sum(1), matrix.sum(0)
    pairs = ((right, predicted), (right, clips), (2 * right, clips + predicted))
    return np.array([np.where(of > 0, part / np.maximum(of, 1), np.nan) for part, of in pairs])


def tell_motion(right, mixed, nclass):
    """A sentence: whether a network goes by the order of the frames.

    right: whether it is right about each clip, (N,); mixed: the same with its frames shuffled, or the share of several
    shuffles in which it is right.
    """
    right, mixed, count = np.asarray(right, float), np.asarray(mixed, float), len(right)
    lost = right - mixed
    error = max(lost.std() / count**0.5, 0.5 / count)
    figures = f"accuracy {right.mean():.1%}, with frames shuffled {mixed.mean():.1%}"
    if right.mean() - 1 / nclass < SURE * (right.mean() * (1 - right.mean()) / count) ** 0.5:
        return f"{figures}: no better than chance as they are, so this tells nothing of motion"
    if lost.mean() < SURE * error:
        return f"{figures}: as good without the order of the frames, the network does not see motion"
    return f"{figures}: {100 * lost.mean():.0f} of its points depend on the order of the frames, that is, on motion"
