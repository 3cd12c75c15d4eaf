"""The folder of a run: at every moment it holds the old run, whole, or the new one, recognizably unfinished.

The record says which:

1. The first that a run writes is its record without figures: from then on the folder is the new run's.
2. Then the former run's files are removed, by their names. What no run wrote is neither removed nor replaced.
3. The files of the results are written; the page of the run reads the record of step 1.
4. The record with the figures is written last.
"""

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from actioncnn.errors import UserError
from actioncnn.files import make_output, sweep
from actioncnn.runs import results
from actioncnn.runs.record import ARGS, Record, check_same, check_whole, is_origin, read_record, write_record

CHECKPOINT = b"actioncnn checkpoint\n"  # a checkpoint's first bytes
LOCK = ".actioncnn-lock"
PARTED = ["result.txt", "predictions.csv", "report.html", ARGS]  # of several splits, beside their folders
MAX_MEMBERS = 10_000


@contextlib.contextmanager
def held(folder: Path, written: Sequence[str], overwrite: bool, resume: bool, chief: bool) -> Iterator[None]:
    """Makes the folder of --output and holds it for the length of a block; only the `chief` of several machines does.

    UserError: it holds what a new run that writes the files `written` would take, or another run is writing there.
    """
    if not resume:  # before hours of reading
        check_free(folder, written, overwrite)
    with alone(folder) if chief else contextlib.nullcontext():
        make_output(folder)
        sweep(folder)
        sweep()
        yield


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Holds the folder for the length of a block. UserError: another run does; it falls with the process.

    The file that is locked is emptied and removed, so anything but an empty file of its name is a reason to stop.
    """
    path = folder / LOCK
    with contextlib.suppress(OSError):
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode) or status.st_size:
            raise UserError(f"{path}: is needed to hold the folder, but is not of this suite; move it away")
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UserError(f"--output {folder}: another run is writing there; wait for it or name another") from None
    except OSError as error:
        raise UserError(f"--output {folder}: cannot be written ({error.strerror}); name another directory") from None
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.unlink(path)
        lock.release()


def names(stem: str, members: int | None = None) -> list[str]:
    """The files that a run writes, those of the model first: without them nothing else is taken for a result."""
    model = [f"{stem}{ending}" for ending in (".json", ".hd5", ".keras")]
    parts = range(members) if members else [None]
    curves = [f"{'model' if i is None else i}_{kind}.png" for i in parts for kind in ("accuracy", "loss")]
    tables = ["result.txt", *(f"result_{i}.txt" for i in parts if i is not None)]
    last = ["report.html", "seconds.txt", ARGS]
    return [*model, *checkpoints(members), "classes.txt", *tables, *curves, *results.WRITTEN, *last]


def checkpoints(members: int | None = None) -> list[str]:
    return [f"checkpoint_{i}.h5" for i in range(members)] if members else ["checkpoint.h5"]


def read_former(folder: Path) -> Record:
    """The whole Record of the run in a folder, an empty one where there is none. UserError: it is damaged."""
    record = read_record(folder)
    if record is None:
        return Record()
    check_whole(folder, record)
    return record


def names_of(origin: Mapping[str, Any]) -> list[str]:
    """The files of a run, from its record or Record.origin."""
    if "parts" in origin:
        return PARTED
    if "model" not in origin:
        return []
    members = origin["options"].get("nmodel")
    known = isinstance(members, int) and not isinstance(members, bool) and 0 < members <= MAX_MEMBERS
    return names(origin["model"], members if known else None)


def files_of_run(folder: Path) -> set[str]:
    """Names of all files that the run in a folder may have written, whole or not; none where there is no run."""
    try:
        record = read_record(folder)
    except UserError:  # it is damaged
        record = Record()
    if record is None:
        return set()
    return {*names("model"), *PARTED, *(names_of(record) if is_origin(record) else ())}


def is_checkpoint(path: Path) -> bool:
    """Whether a file is a checkpoint that a run of this suite wrote."""
    with contextlib.suppress(OSError):
        if path.is_file():
            with open(path, "rb") as file:
                return file.read(len(CHECKPOINT)) == CHECKPOINT
    return False


def check_free(folder: Path, written: Sequence[str], overwrite: bool = False) -> None:
    """UserError where a new run that writes the files `written` would take what is not its own."""
    for name in written:
        path = folder / name
        if os.path.lexists(path) and not stat.S_ISREG(os.lstat(path).st_mode):
            raise UserError(f"{path}: is a directory, link or pipe, no file; move it away, or name another --output")
        if name.startswith("checkpoint") and os.path.lexists(path) and not is_checkpoint(path):
            raise UserError(f"{path}: is no checkpoint of this version; move it away, or name another --output")
    if overwrite:
        return
    former = read_former(folder)
    if former.get("metrics"):
        raise UserError(f"--output {folder}: holds a finished run; name another, or replace it with --overwrite True")
    if has_progress(folder, former):
        way = "go on with it by --resume True, or start anew with --overwrite True"
        raise UserError(f"--output {folder}: holds a run that was interrupted; {way}")
    there = [name for name in written if os.path.lexists(folder / name)]
    if there and not former:
        raise UserError(f"--output {folder}: holds {there[0]}; name another, or replace it with --overwrite True")


def has_progress(folder: Path, former: Record) -> bool:
    """Whether the unfinished run in a folder has come further than its start."""
    for part in former.get("parts", []):
        with contextlib.suppress(UserError):
            args = read_former(folder / part) if is_part(folder / part) else Record()
            if args.get("metrics") or has_progress(folder / part, args):
                return True
    return any(is_checkpoint(path) for path in folder.glob("checkpoint*.h5"))


def open_run(
    folder: Path, record: Record, written: Sequence[str], resume: bool, chief: bool
) -> dict[str, float] | None:
    """The figures of the run in a folder where it has ended, else None: it is begun, or can go on.

    record: its Record, without figures. written: its files. UserError: another run is there.
    """
    former = read_former(folder) if resume else Record()
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
        write_record(folder, record, metrics=None)
    return former.get("metrics")


def close_run(folder: Path, record: Record, figures: Mapping[str, float], checkpoints: Sequence[str] = ()) -> None:
    """The last that a run does: from now on the folder is that of a finished run."""
    write_record(folder, record, metrics=figures)
    remove_files(folder, checkpoints)


def begin(folder: Path, record: Record, written: Sequence[str]) -> None:
    """Makes the folder that of a new run, of the record, and removes the former run's files.

    Until these are gone the record says what it replaces, so that a run that is cut here can be begun again.
    """
    folder.mkdir(exist_ok=True)
    former = Record()
    with contextlib.suppress(UserError):  # what is damaged names no files that could be removed
        former = read_former(folder)
    replaces = [former.origin, *former.get("replaces", [])] if former else []
    write_record(folder, record, metrics=None, replaces=replaces)
    for each in replaces:
        remove(folder, each, keep=(ARGS,))
    remove_files(folder, written, keep=(ARGS,))
    write_record(folder, record, metrics=None)


def remove(folder: Path, origin: Mapping[str, Any], keep: Sequence[str] = ()) -> None:
    """Removes the files of the run with this Record.origin, those of its parts first."""
    for path in (folder / part for part in origin.get("parts", []) if is_part(folder / part)):
        with contextlib.suppress(UserError):
            remove(path, read_former(path))
        with contextlib.suppress(OSError):
            path.rmdir()  # where nothing else is in it
    remove_files(folder, names_of(origin), keep)


def is_part(path: Path) -> bool:
    """Whether the folder of a part is one in its run's folder: a link may lead to a run of another folder."""
    return path.is_dir() and not path.is_symlink()


def remove_files(folder: Path, names: Iterable[str], keep: Sequence[str] = ()) -> None:
    for path in (folder / name for name in names if name not in keep):
        if not path.name.startswith("checkpoint") or is_checkpoint(path):
            path.unlink(missing_ok=True)
