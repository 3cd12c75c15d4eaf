"""The folder of a run: at every moment it holds the old run, whole, or the new one, recognizably unfinished.

args.json says which. The first that a run writes is args.json without figures: from then on the folder is the new
run's. Then the former run's files go, by their names; args.json with the figures is written last. What no run wrote
is neither removed nor replaced.
"""

import contextlib
import json
import os
import re

from filelock import FileLock, Timeout

from actioncnn.errors import UserError
from actioncnn.runs import results, tables
from actioncnn.runs.record import check_same

ARGS = "args.json"
CHECKPOINT = b"actioncnn checkpoint\n"  # a checkpoint's first bytes
PARTED = ["result.txt", "predictions.csv", "report.html", ARGS]  # of several splits, beside their folders
MAX_ARGS_BYTES = 16 << 20
MAX_MEMBERS = 10_000
PLAIN = re.compile(r"[\w-]{1,100}")  # names that a run gives to its model and its parts


@contextlib.contextmanager
def alone(folder):
    """Holds the folder for the length of a block. UserError: another run does; it falls with the process."""
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UserError(f"--output {folder}: another run is writing there; wait for it or name another") from None
    except OSError as error:
        raise UserError(f"{folder / '.lock'}: {error.strerror}; move it away") from None
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.unlink(folder / ".lock")
        lock.release()


def read_args(folder):
    """What args.json in a folder says; {} where there is none. UserError: it is damaged."""
    path = folder / ARGS
    if not os.path.lexists(path):
        return {}
    try:
        if not path.is_file():
            raise ValueError("not a file")
        with open(path, "rb") as file:
            args = json.loads(file.read(MAX_ARGS_BYTES))
        if not is_args(args):
            raise ValueError("not as a run writes it")
    except (OSError, ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else error
        raise UserError(f"{path}: is damaged ({reason}); --overwrite True starts anew") from None
    return args


def is_args(args):
    """Whether a value read from JSON has what a run needs of its args.json."""
    return (
        is_origin(args)
        and "metrics" in args
        and is_figures(args["metrics"])
        and isinstance(args.get("replaces", []), list)
        and all(map(is_origin, args.get("replaces", [])))
    )


def is_origin(args):
    """Whether a value read from JSON tells which files a run wrote."""
    if not isinstance(args, dict) or not isinstance(args.get("options"), dict):
        return False
    parts = args.get("parts", [])
    return isinstance(parts, list) and all(
        isinstance(name, str) and PLAIN.fullmatch(name) for name in [args.get("model", "none"), *parts]
    )


def is_figures(figures):
    """Whether a value read from JSON is None, or the figures of a run that has ended."""
    numbers = int | float | None
    return figures is None or (
        isinstance(figures, dict)
        and {"loss", "top1", "mean_class_accuracy"} <= figures.keys()
        and all(isinstance(value, numbers) and not isinstance(value, bool) for value in figures.values())
    )


def names(stem, members=None):
    """The files that a run writes, those of the model first: without them nothing else is taken for a result."""
    model = [f"{stem}{ending}" for ending in (".json", ".hd5", ".keras")]
    parts = range(members) if members else [None]
    curves = [f"{'model' if i is None else i}_{kind}.png" for i in parts for kind in ("accuracy", "loss")]
    tables = ["result.txt", *(f"result_{i}.txt" for i in parts if i is not None)]
    last = ["report.html", "seconds.txt", ARGS]
    return [*model, *checkpoints(members), "classes.txt", *tables, *curves, *results.WRITTEN, *last]


def checkpoints(members=None):
    return [f"checkpoint_{i}.h5" for i in range(members)] if members else ["checkpoint.h5"]


def names_of(args):
    """The files of the run that an args.json, as read_args gives it, tells of."""
    if "parts" in args:
        return PARTED
    if "model" not in args:
        return []
    members = args["options"].get("nmodel")
    known = isinstance(members, int) and not isinstance(members, bool) and 0 < members <= MAX_MEMBERS
    return names(args["model"], members if known else None)


def is_checkpoint(path):
    """Whether a file is a checkpoint that a run of this suite wrote."""
    with contextlib.suppress(OSError):
        if path.is_file():
            with open(path, "rb") as file:
                return file.read(len(CHECKPOINT)) == CHECKPOINT
    return False


def check_free(folder, written, overwrite=False):
    """UserError where a new run that writes the files `written` would take what is not its own."""
    for name in written:
        path = folder / name
        if path.is_dir():
            raise UserError(f"{path}: is a directory; move it away, or name another --output")
        if name.startswith("checkpoint") and os.path.lexists(path) and not is_checkpoint(path):
            raise UserError(f"{path}: is no checkpoint of this version; move it away, or name another --output")
    if overwrite:
        return
    former = read_args(folder)
    if former.get("metrics"):
        raise UserError(f"--output {folder}: holds a finished run; name another, or replace it with --overwrite True")
    if has_progress(folder, former):
        way = "go on with it by --resume True, or start anew with --overwrite True"
        raise UserError(f"--output {folder}: holds a run that was interrupted; {way}")
    there = [name for name in written if os.path.lexists(folder / name)]
    if there and not former:
        raise UserError(f"--output {folder}: holds {there[0]}; name another, or replace it with --overwrite True")


def has_progress(folder, former):
    """Whether the unfinished run in a folder has come further than its start."""
    for part in former.get("parts", []):
        with contextlib.suppress(UserError):
            args = read_args(folder / part)
            if args.get("metrics") or has_progress(folder / part, args):
                return True
    return any(is_checkpoint(path) for path in folder.glob("checkpoint*.h5"))


def open_run(folder, record, written, resume, chief):
    """The figures of the run in a folder where it has ended, else None: it is begun, or can go on.

    record: what its args.json says, but for the figures. written: its files. UserError: another run is there.
    """
    former = read_args(folder) if resume else {}
    if former:
        check_same(folder, former, record)
    checkpoint = any(is_checkpoint(folder / name) for name in written if name.startswith("checkpoint"))
    if resume and not former and not checkpoint:
        check_free(folder, written)
    if not chief:
        return former.get("metrics")
    if former.get("metrics"):
        remove_files(folder, [name for name in written if name.startswith("checkpoint")])
    elif former.get("replaces") or not (former or (resume and checkpoint)):
        begin(folder, record, written)
    else:
        tables.write_json(folder / ARGS, record | {"metrics": None}, indent=2)
    return former.get("metrics")


def close_run(folder, record, figures, checkpoints=()):
    """The last that a run does: from now on the folder is that of a finished run."""
    tables.write_json(folder / ARGS, record | {"metrics": figures}, indent=2)
    remove_files(folder, checkpoints)


def begin(folder, record, written):
    """Makes the folder that of a new run, of the record, and removes the former run's files.

    Until these are gone args.json says what it replaces, so that a run that is cut here can be begun again.
    """
    folder.mkdir(exist_ok=True)
    try:
        former = read_args(folder)
    except UserError:
        former = {}
    replaces = [origin(former), *former.get("replaces", [])] if former else []
    tables.write_json(folder / ARGS, record | {"metrics": None, "replaces": replaces}, indent=2)
    for each in replaces:
        remove(folder, each, keep=(ARGS,))
    remove_files(folder, written, keep=(ARGS,))
    tables.write_json(folder / ARGS, record | {"metrics": None}, indent=2)


def origin(args):
    """What names_of takes of an args.json."""
    return {name: args[name] for name in ("options", "model", "parts") if name in args}


def remove(folder, args, keep=()):
    """Removes the files of the run that an args.json tells of, those of its parts first."""
    for part in args.get("parts", []):
        with contextlib.suppress(UserError):
            remove(folder / part, read_args(folder / part))
        with contextlib.suppress(OSError):
            (folder / part).rmdir()  # where nothing else is in it
    remove_files(folder, names_of(args), keep)


def remove_files(folder, names, keep=()):
    for path in (folder / name for name in names if name not in keep):
        if not path.name.startswith("checkpoint") or is_checkpoint(path):
            path.unlink(missing_ok=True)
