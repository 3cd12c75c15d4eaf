"""What no script writes over: what it reads, what another of its options writes, and the files of a run."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from actioncnn.errors import UserError
from actioncnn.files import identity, is_stream
from actioncnn.runs.folder import files_of_run
from actioncnn.video.frame_folder import is_numbered
from actioncnn.video.segment import source

if TYPE_CHECKING:
    from actioncnn.model.model import ModelFiles


def check_outputs(
    outputs: Iterable[tuple[str, Path | str]], inputs: Iterable[Path | str | None] = (), own: Path | str | None = None
) -> None:
    """UserError: a file that would be written stands for something that must stay.

    outputs: (option, path) of each file that will be written. inputs: paths of all that is read, of which a folder is a
    clip of numbered pictures; None among them is passed over. own: the page of a run that its user asks for anew.
    """
    known = {identity(path) for path in inputs if path} - {None}
    taken: dict[Path, str] = {}
    for option, path in outputs:
        if is_stream(path):  # nothing is replaced there
            continue
        real = Path(os.path.realpath(path))
        into_clip = identity(real.parent) in known and (real.exists() or is_numbered(real.name))
        reason = None
        if real in taken:
            reason = f"is also what {taken[real]} writes"
        elif identity(real) in known or into_clip:
            reason = "would replace what this command reads"
        elif is_of_run(real) and (own is None or real != Path(os.path.realpath(own))):
            reason = "is a file of a training run"
        if reason:
            raise UserError(f"{option} {path}: {reason}; name another")
        taken[real] = option


def is_of_run(path: Path) -> bool:
    """Whether a file has the name of one that the run in its folder writes."""
    return path.name in files_of_run(path.parent)


def files_of(model_files: ModelFiles, classes: Path | None = None) -> tuple[Path, Path, Path]:
    """Paths of the files of a model, a model.ModelFiles; classes: the file of --classes, by default that beside it."""
    return model_files.model, model_files.weights, classes or model_files.model.parent / "classes.txt"


def files_of_dataset(dataset):
    """Paths of the videos and lists of a Dataset."""
    return [*(source(video.path) for video in dataset.videos), dataset.options.train_list, dataset.options.test_list]
