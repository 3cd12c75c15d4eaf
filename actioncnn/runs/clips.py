"""The test clips of a run that are shown, read again from its videos."""

import os
from pathlib import Path

import numpy as np

from actioncnn.cli import warn
from actioncnn.video import pool, sampling


def reader(workers=None):
    """A function of a Run and rows of its predictions: {row: clip as its network took it} of those that are there."""

    def read(run, rows):
        try:
            how = sampling.of_run(run.args)
            paths = {row: path_of(run, row) for row in rows}
        except (KeyError, TypeError):
            warn(f"note: {run.folder} does not tell its frames: its page is without clips")
            return {}
        there = {row: path for row, path in paths.items() if path and path.exists()}
        if len(there) < len(rows):
            missing = f"{len(rows) - len(there)} of {len(rows)} clips to show are not in {run.options.get('videos')}"
            warn(f"note: {missing}: the page is without them; run it in the folder of the training, or put them there")
        answers = pool.clips(there, how, workers) if there else ()
        return {row: how.pick(clip) for row, clip in answers if isinstance(clip, np.ndarray)}

    return read


def path_of(run, row):
    """Path of a test clip; None where its name would lead out of the dataset."""
    name = os.path.normpath(run.files[row])
    return None if os.path.isabs(name) or name.split(os.sep)[0] == os.pardir else Path(run.options["videos"], name)
