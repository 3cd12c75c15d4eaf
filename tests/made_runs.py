"""Folders of runs as training scripts leave them, made of numbers."""

import numpy as np
from pictures import history

from actioncnn.runs import tables
from actioncnn.runs.classes import write_classes

FIRST = ["<script>alert(1)</script>", "A&B \"quoted\" 'too'", "كرة السلة", "篮球", "x" * 90, "</title><img src=x>"]


def odd_classes(count):
    """Names of classes, the first ones such as strangers may choose."""
    return [*FIRST, *(f"ClassNumber{i}" for i in range(count))][:count]


def made_run(folder, right, classes, groups=7, epochs=3, seed=0, **options):
    """A run in a folder; right: bool (N,), which clips it is right about.

    Clip i is of class i % classes, and of a group that does not depend on the seed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng, count, nclass = np.random.default_rng(seed), len(right), len(classes)
    truth = np.arange(count) % nclass
    group = np.arange(count) // nclass % groups + 1
    predicted = np.where(right, truth, (truth + rng.integers(1, nclass, count)) % nclass)
    probabilities = rng.dirichlet(np.full(nclass, 0.3), count) * 0.4
    probabilities[np.arange(count), predicted] += 0.6
    files = [f"v_{truth[i]}_g{group[i]:02d}_c{i:04d}.avi" for i in range(count)]
    tables.write_predictions(folder / "predictions.csv", files, classes, truth, probabilities)
    write_classes(folder, classes)
    tables.write_history(folder / "result.txt", history(epochs))
    values = {
        "script": "3dcnn.py",
        "options": {"epoch": epochs, "videos": "videos", "output": str(folder), "seed": seed, **options},
        "split": "1",
        "sampling": {"size": 32, "depth": 10, "color": False, "skip": True, "scrambled": False},
        "counts": {"videos": 5 * count, "classes": nclass, "train": 4 * count, "test": count},
        "parameters": 1234567,
        "seconds": 83.1,
        "notes": [],
        "versions": {"keras": "3.15.1"},
        "metrics": {"top1": float(np.mean(right))},
    }
    tables.write_json(folder / "args.json", values)
    return folder
