"""Names of a model's classes, in label order: classes.txt beside it, or any file with one name a line."""

from pathlib import Path

from actioncnn import files
from actioncnn.cli import warn
from actioncnn.errors import UserError

BESIDE = "classes.txt"


def write_classes(directory, classes):
    files.write(Path(directory) / BESIDE, "".join(f"{name}\n" for name in classes))


def read_classes(path):
    """The names in a file; bytes that are no UTF-8 come back as they were where they are written."""
    text = Path(path).read_text("utf-8-sig", "surrogateescape")
    return text.removesuffix("\n").split("\n") if text else []


def class_names(model, count, option=None, told=None):
    """Names of the `count` classes of the model in the file `model`: in the file `option`, of --classes, those that
    the model's files tell, `told`, or those beside it.

    None: there is no such file, or that beside it has another number of names, which is said. UserError: `option`
    cannot be read, or has another number.
    """
    path = option or Path(model).parent / BESIDE
    if told and not option and len(told) == count:
        return told
    if not option and not path.is_file():
        return None
    try:
        names = read_classes(path)
    except OSError as error:
        raise UserError(f"--classes {path}: {(error.strerror or str(error)).lower()}; give another file") from None
    if len(names) == count:
        return names
    problem = f"{path}: {len(names)} names for {count} classes"
    if option:
        raise UserError(f"--classes {problem}; give a file with one name a line, in label order")
    warn(f"note: {problem}: not used; give the names with --classes FILE")
    return None
