"""report.html of one run: what was trained on what, how well, what is taken for what, and the clips to look at."""

import shlex

import numpy as np

from actioncnn.cli import count, warn
from actioncnn.errors import one_line
from actioncnn.figures import charts
from actioncnn.figures.examples import one_of_each
from actioncnn.figures.text import distinct
from actioncnn.pages import page
from actioncnn.pages.comparison import compare
from actioncnn.runs.run import read_run

PAIRS = 6  # of confused classes whose clips are shown
RIGHT = 6  # clips that are right, beside mistakes; without any, as many as MISTAKES
OF_PAIR = 2  # clips of one class that were taken for the other
MISTAKES = 12  # the most confident ones
LISTED = 300  # confusions in the list
NUMBERED = 30  # classes: of so many all counts are written into the matrix
PAPER = 680  # pixels of the width of a printed page
ONE_COLUMN = 12  # classes whose bars stand in one column; more stand in two, or four, ... columns
NAME = "report.html"


def try_to_write(folder, clips=None):
    """`write` at the end of a training run, which no page may cost."""
    try:
        write(folder, clips)
    except Exception as error:  # as a picture, a page is the least of a run's results
        warn(f"warning: {folder / NAME} is not written: {one_line(error)}")


def write(folder, clips=None, path=None, look=None):
    """Writes the page of the run in a folder to `path`, by default report.html in it.

    clips: a function of a run and a list of rows of its predictions that gives {row: uint8 (H, W, T, C) or (H, W, C)}
    of those clips that it has; None: no clip is shown. look: a function of a run and {row: clip} of its mistakes that
    gives {row: [(class name, clip with what speaks for that class drawn over it, RGB)]}.
    """
    run = read_run(folder)
    compared, matrix = compare([run]), run.matrix
    chosen = choose_clips(run, matrix)
    frames = clips(run, sorted({row for rows in chosen.values() for row in rows})) if clips else {}
    wrong = {row: frames[row] for row in chosen["mistakes"] if row in frames}
    evidence = look(run, wrong) if look else {}
    about = {"command": command(run), "settings": settings(run)}
    drawn = {"curves": curves(run), "bars": bars(matrix, run.classes)}
    tiles = {row: tile(run, row, clip) for row, clip in frames.items()}
    confused = confusions(run, matrix, chosen, tiles)
    values = (
        about
        | drawn
        | {
            "title": f"{run.name}: {run.script}",
            "run": run,
            "row": compared.rows[0],
            "groups": compared.groups,
            "notes": dict.fromkeys([*run.notes, *compared.notes]),
            "matrix_layout": matrix_layout(matrix, run.classes),
            "confusions": confused,
            "listed": [(f"{each['true']} → {each['predicted']}", each["number"]) for each in confused[:LISTED]],
            "has_clips": bool(tiles),
            "right": [tiles[row] for row in chosen["right"] if row in tiles],
            "mistakes": [
                (tiles[row], [(name, page.animation(clip)) for name, clip in evidence.get(row, ())]) for row in wrong
            ],
            "has_evidence": bool(evidence),
        }
    )
    page.write_page(path or folder / NAME, "run.html", named=path is not None, **values)


def choose_clips(run, matrix):
    """{pair of labels, "mistakes" or "right": rows of clips to show}, the surest first, and no right one twice."""
    label = {name: number for number, name in enumerate(run.classes)}
    true, predicted = (np.array([label[name] for name in names]) for names in (run.true, run.predicted))
    confidence = np.array([ranked[0][1] for ranked in run.ranked])
    order, shown, chosen = np.argsort(-confidence, kind="stable"), set(), {}

    def surest(i, j, most):
        return order[((true == i) & (predicted == j))[order]][:most].tolist()

    for i, j in worst(matrix)[:PAIRS]:
        beside = [row for name in (i, j) for row in surest(name, name, 1) if row not in shown]
        chosen[i, j] = surest(i, j, OF_PAIR) + beside
        shown.update(beside)
    mistakes = order[(true != predicted)[order]][:MISTAKES].tolist()
    right = [row for row in one_of_each(np.flatnonzero(true == predicted), true, confidence) if row not in shown]
    return chosen | {"mistakes": mistakes, "right": right[: RIGHT if mistakes else MISTAKES]}


def worst(matrix):
    """Confused pairs of labels (true, predicted), the most frequent first."""
    clips = matrix.sum(1)
    wrong = [(i, j) for i, j in np.argwhere(matrix).tolist() if i != j]
    return sorted(wrong, key=lambda pair: (-matrix[pair], -matrix[pair] / clips[pair[0]], pair))


def curves(run):
    """Charts of accuracy and loss of each network that was trained."""
    drawn = []
    for title, draw, key in (("Accuracy", charts.accuracy, "acc"), ("Loss", charts.loss, "loss")):
        of_all = [
            charts.training_curves(history, key, name, 2 * number)
            for number, (name, history) in enumerate(run.histories.items())
        ]
        drawn.append((draw, title, sum(of_all, [])))
    return page.curve_charts(drawn)


def matrix_layout(matrix, classes):
    """What a confusion matrix is drawn from: lengths in pixels, names of classes, and the cells that are not 0."""
    nclass, clips = len(classes), matrix.sum(1)
    side = 14 if nclass > NUMBERED else 22 if nclass > ONE_COLUMN else 34
    font = min(max(side - 2, 11), 14)
    labels = distinct(classes, 22)
    margin = int(max(map(len, labels)) * font * 0.66) + 8
    cells = [
        {
            "row": row,
            "column": column,
            "number": int(matrix[row, column]),
            "clips": count(clips[row], "clip"),
            # a root: small shares show too
            "opacity": round(0.25 + 0.55 * (matrix[row, column] / clips[row]) ** 0.6, 2),
        }
        for row, column in np.argwhere(matrix).tolist()
    ]
    pairs = [f"{classes[i]} taken for {classes[j]} {matrix[i, j]} times" for i, j in worst(matrix)[:PAIRS]]
    words = f"Confusion matrix of {nclass} classes: {matrix.trace()} of {count(matrix.sum(), 'clip')} are right"
    return {
        "side": side,
        "font": font,
        "margin": margin,
        "print": round(min(PAPER / (margin + nclass * side), 1), 3),
        "labels": labels,
        "names": [page.text(name) for name in classes],
        "cells": cells,
        "empty": np.flatnonzero(clips == 0).tolist(),
        "words": "; ".join([words, *pairs]) + ".",
        "numbered": nclass <= NUMBERED,
    }


def confusions(run, matrix, chosen, tiles):
    """The worst confusions, each with clips of one class that were taken for the other, beside right ones of both."""
    clips = matrix.sum(1)
    return [
        {
            "true": run.classes[i],
            "predicted": run.classes[j],
            "number": f"{matrix[i, j]} of {count(clips[i], 'clip')}",
            "clips": [tiles[row] for row in chosen.get((i, j), ()) if row in tiles],
        }
        for i, j in worst(matrix)
    ]


def tile(run, row, clip):
    """What is shown of a test clip: it moves, and below it is what it is and what it was taken for."""
    predicted, share = run.ranked[row][0]
    return {
        "animation": page.animation(clip),
        "file": run.files[row],
        "true": run.true[row],
        "predicted": predicted,
        "share": share,
        "share_of_true": dict(run.ranked[row]).get(run.true[row]),
    }


def bars(matrix, classes):
    """Charts of the accuracy by class, the worst first, in columns of at most charts.COLUMN classes."""
    labels, clips = charts.by_accuracy(matrix, classes)[::-1], matrix.sum(1)
    columns = 1 if len(labels) <= ONE_COLUMN else 2 * -(-len(labels) // (2 * charts.COLUMN))
    drawn = []
    for part in np.array_split(labels, columns):
        words = "; ".join(f"{classes[label]} {matrix[label, label]} of {clips[label]}" for label in part)
        alt = f"Right clips of each class: {words}"
        drawn.append(page.chart(charts.small_class_accuracy, matrix, classes, part, alt=alt))
    return drawn


def settings(run):
    """[(name, value)] of the options, the recipe and the versions."""
    recipe = {f"recipe: {name}": value for name, value in run.record.get("recipe", {}).items()}
    return [*{**run.options, **recipe, **run.record.get("versions", {})}.items()]


def command(run):
    """The command line of a run, with all options that tell on its result, so that later defaults change nothing."""
    words = ["python", run.script.split()[0]]
    for name, value in run.options.items():
        if value is not None and name not in ("cache", "workers", "resume", "overwrite"):
            words.append(f"--{name.replace('_', '-')}={value}")  # with =, a name may begin with -
    words.append("--overwrite=True")  # the run is there already
    unsure = f"    # or {run.script.split()[-1]}: this run does not tell" if " or " in run.script else ""
    return shlex.join(words) + unsure
