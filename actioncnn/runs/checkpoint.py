"""The state of a training after a whole epoch in one file, which proves that it is whole and says whose it is.

The file is HDF5 behind a header of 512 bytes, as HDF5 allows ("user block"). The header holds a digest of the run and
one of all that follows: of what a cut, another run or an accident left, no byte is looked at.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from actioncnn import files
from actioncnn.errors import UserError, one_line
from actioncnn.model.audit import check_weights
from actioncnn.runs.folder import CHECKPOINT
from actioncnn.runs.tables import COLUMNS, History

if TYPE_CHECKING:
    import keras

WITHOUT_IT = "move it away: the same command then starts from the first epoch"
HEADER = 512  # bytes; the least that HDF5 takes


class Checkpoint(NamedTuple):
    """Where the state of a training is kept, and which training that is."""

    path: Path
    run: str  # digest of all that the result follows from
    resume: bool = True  # False: what is there is not read

    def save(self, state: Sequence[keras.Variable], history: History) -> None:
        """Writes the values of the variables `state` and a history.

        They are put together in memory, because HDF5 ends the process on a full disk.
        """
        import h5py

        buffer = io.BytesIO()
        with h5py.File(buffer, "w") as file:
            file.attrs["history"] = json.dumps(history)
            for place, variable in enumerate(state):
                file[f"variables/{place}"] = variable.numpy()
        content = buffer.getvalue()
        files.write(self.path, header(self.run, content) + content)

    def restore(self, state: Sequence[keras.Variable], epochs: int) -> History:
        """Gives the variables `state` their values in the file -> its history.

        [] where there is no file, or `resume` is False. UserError: it is damaged, or of another run.
        """
        if not self.resume or not self.path.exists():
            return []
        try:
            content = files.read(self.path, 2 * sum(value.nbytes for value in values(state)) + (64 << 20))
            if content[:HEADER] != header(self.run, content[HEADER:]):
                whole = content[:HEADER] == header(content[len(CHECKPOINT) :][:64].decode(), content[HEADER:])
                raise ValueError("it is of another run" if whole else "it is damaged, or of another version")
            return take(state, content[HEADER:], epochs)
        except Exception as error:  # a damaged or hostile file can make HDF5 fail in any way
            reason = error if isinstance(error, ValueError | UserError) else one_line(error)
            raise UserError(f"--resume: {self.path}: {reason}; {WITHOUT_IT}") from error


def values(state: Sequence[keras.Variable]) -> list[np.ndarray]:
    return [variable.numpy() for variable in state]


def header(run: str, content: bytes) -> bytes:
    """The first bytes of a checkpoint of the run with this digest."""
    proof = hashlib.sha256(run.encode() + content).hexdigest()
    return (CHECKPOINT + f"{run}\n{proof}\n".encode()).ljust(HEADER, b"\n")


def check_history(history: object, epochs: int) -> None:
    """ValueError: not the rows of the epochs 1, 2, ... of a training of so many."""
    if not isinstance(history, list) or len(history) > epochs:
        raise ValueError("it is of another training or version")
    for number, row in enumerate(history, 1):
        whole = isinstance(row, dict) and row.keys() == set(COLUMNS) and row["epoch"] == number
        if not whole or not all(type(value) in (int, float) for value in row.values()):
            raise ValueError(f"its history is not that of a training (epoch {number})")


def take(state: Sequence[keras.Variable], content: bytes, epochs: int) -> History:
    """Puts what the bytes of an HDF5 file hold into the variables -> its history.

    Anyone can compute the digest, so the file is looked at as one from a stranger before a value is read.
    """
    import h5py

    expected = [(value.shape, value.dtype) for value in values(state)]
    with h5py.File(io.BytesIO(content)) as file:
        check_weights(file, len(content))
        history, stored = json.loads(file.attrs["history"]), file["variables"]
        check_history(history, epochs)
        arrays = [stored[str(place)] for place in range(len(stored))]
        if [(array.shape, array.dtype) for array in arrays] != expected:
            raise ValueError("it is of another network or version")
        saved = [array[()] for array in arrays]
    for variable, value in zip(state, saved, strict=True):
        variable.assign(value)
    return history
