"""Names of a model's classes, in label order: classes.txt beside it, or any file with one name a line."""

import re
from collections.abc import Sequence
from pathlib import Path

from actioncnn import files
from actioncnn.errors import UserError
from actioncnn.model.model import Names

BESIDE = "classes.txt"
TEACHABLE = re.compile(r"\d+ (.*)")  # a line of labels.txt beside the keras_model.h5 of Teachable Machine
MAX_BYTES = 4 << 20


def write_classes(directory: Path | str, classes: Sequence[str]) -> None:
    files.write(Path(directory) / BESIDE, "".join(f"{name}\n" for name in classes))


def read_classes(path: Path | str) -> list[str]:
    """The names in a file; bytes that are no UTF-8 come back as they were where they are written."""
    text = files.read_text(path, MAX_BYTES)
    return text.removesuffix("\n").split("\n") if text else []


def find_names(model: Path | str, option: Path | None = None, told: Sequence[str] | None = None) -> tuple[Names, ...]:
    """Names of the classes of the model in the file `model`: a tuple of model.Names, the first that fits counts.

    option: the file of --classes, which alone counts where it is given; told: names in the model's own file. Else those
    of classes.txt beside the model, or of the labels.txt of Teachable Machine. UserError: a file cannot be read.
    """
    beside, labels = Path(model).parent / BESIDE, Path(model).parent / "labels.txt"
    try:
        if option:
            return (Names(read_classes(option), f"--classes {option}", required=True),)
        names = (Names(told),) if told else ()
        if not names and not beside.is_file() and labels.is_file():
            lines = [TEACHABLE.fullmatch(line.strip()) for line in read_classes(labels)]
            named = [line[1] for line in lines if line]
            return (Names(named, str(labels)),) if named and len(named) == len(lines) else ()
        return (*names, Names(read_classes(beside), str(beside))) if beside.is_file() else names
    except OSError as error:
        path = error.filename or beside
        raise UserError(f"--classes {path}: {(error.strerror or str(error)).lower()}; give another file") from None
