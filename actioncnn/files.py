"""Files that appear whole or not at all, and files that are read without waiting for them or running out of memory."""

import contextlib
import errno
import json
import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from actioncnn.errors import UserError

TEMPORARY = re.compile(r"\.?actioncnn-[0-9a-f]{16}")  # names of the folders in which files are written
OWNER = ".owner"  # in each of them: which process made it
MAX_BYTES = 64 << 20  # of a text file that is read at once; a table of 300,000 clips has fewer
STREAMS = "/dev/std", "/dev/fd/", "/proc/"  # written to, never replaced, though /dev/stdout may be a regular file
_outputs: dict[
    Path, tuple[int, int] | None
] = {}  # {absolute path: (device, inode)} of the directories that make_output made or accepted


@contextlib.contextmanager
def replaced(path: Path | str, ending: str = "", named: bool = False) -> Iterator[Path]:
    """A new path, with the ending of `path` or `ending`: at the end of the block it takes the place of `path`.

    So what stood there stays until the new file is whole. named: the user named this very file, so of a link its target
    is replaced, and a pipe or a device is written to. Else these are left alone. UserError: it cannot be written.
    """
    path = Path(path)
    try:
        if named and is_stream(path):
            with temporary_folder() as folder:
                yield (new := folder / f"{path.name[-50:]}{ending}")
                append(new, path)
            return
        path = Path(os.path.realpath(path)) if named else path
        check_place(path)
        with temporary_folder(path.parent) as folder:
            yield (new := folder / f"{path.name[-50:]}{ending}")  # [-50:]: the longest name has 255 bytes
            new.replace(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror or error})") from error


def is_stream(path: Path | str) -> bool:
    """Whether a path leads to a pipe, a device or a socket, or to what this process has open."""
    with contextlib.suppress(OSError):
        mode = os.stat(path).st_mode
        return os.path.abspath(path).startswith(STREAMS) or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))
    return False


def append(source: Path | str, path: Path | str) -> None:
    """Copies a file to the end of what stands at a path."""
    if sys.stdout is not None:
        sys.stdout.flush()  # it may lead to the same place
    with open(source, "rb") as content, open(path, "ab", buffering=0) as target:
        shutil.copyfileobj(content, target)


def check_place(path: Path) -> None:
    """UserError: what stands at a path is no regular file, or its --output is no longer the directory that it was."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISREG(os.lstat(path).st_mode):
            raise UserError(f"{path}: cannot be written (a link, directory, pipe or device is there); move it away")
    for folder in path.absolute().parents:
        if folder in _outputs and _outputs[folder] != identity(folder):
            raise UserError(f"--output {folder}: was replaced by another directory meanwhile; start again")


def identity(path: Path | str) -> tuple[int, int] | None:
    """(device, inode) of what stands at a path; None where nothing does. The same file has one, whatever its name."""
    with contextlib.suppress(OSError, ValueError):
        status = os.stat(path)
        return status.st_dev, status.st_ino
    return None


def write(path: Path | str, data: str | bytes, named: bool = False) -> None:
    """Writes text (UTF-8; names that are not valid text come back as they were) or bytes to a file; see `replaced`."""
    content = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
    with replaced(path, named=named) as new:
        try:
            new.write_bytes(content)
        except OSError as error:
            error.strerror = f"{error.strerror or error}; it needs {size(len(content))}"
            raise


def read(path: Path | str, most: int = MAX_BYTES) -> bytes:
    """The bytes of a regular file. OSError: it is not one, or has more than `most` bytes, or cannot be read.

    A pipe would be waited for, a device may have no end.
    """
    unwaiting = lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0))  # noqa: E731
    with open(path, "rb", opener=unwaiting) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "is not a regular file", str(path))
        if status.st_size > most:
            raise OSError(errno.EFBIG, f"has {size(status.st_size)}, more than {size(most)}", str(path))
        return file.read(most)


def read_text(path: Path | str, most: int = MAX_BYTES) -> str:
    """The same as text; bytes that are not UTF-8 come back as they were where they are written."""
    return read(path, most).decode("utf-8-sig", "surrogateescape").replace("\r\n", "\n").replace("\r", "\n")


def size(count: float) -> str:
    """Bytes in words."""
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count} bytes"


def make_output(path: Path) -> None:
    """Makes the directory that --output names. UserError: it cannot be made or written.

    If another directory takes its place afterwards, this process does not write there.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path).close()
    except OSError as error:
        raise UserError(f"--output {path}: cannot be written ({error.strerror}); name another directory") from None
    _outputs[path.absolute()] = identity(path)


@contextlib.contextmanager
def temporary_folder(place: Path | str | None = None) -> Iterator[Path]:
    """A new folder for the length of a block: hidden in `place`, or where the system keeps such folders.

    Nobody else can have laid anything at its name, which is random, and it says which process made it, for `sweep`.
    """
    folder = Path(place or tempfile.gettempdir(), f"{'.' if place else ''}actioncnn-{secrets.token_hex(8)}")
    os.mkdir(folder, 0o700)
    try:
        (folder / OWNER).write_text(json.dumps(this_process()))
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep(folder: Path | str | None = None) -> None:
    """Removes what killed processes of this suite left in a folder, by default where the system keeps temporary files.

    Only what this user's process made since the machine was started, as the folder itself says. Other machines,
    containers and users share folders, and a number of a process means nothing to them.
    """
    here = this_process()
    if here is None:
        return
    with contextlib.suppress(OSError):  # the folder is another user's
        for path in Path(folder or tempfile.gettempdir()).iterdir():
            if TEMPORARY.fullmatch(path.name) and is_left_over(path, here):
                shutil.rmtree(path, ignore_errors=True)


def is_left_over(path: Path, here: list[str | int | None]) -> bool:
    """Whether a folder was made by a process that has ended, as `this_process` tells them apart; here: its answer."""
    try:
        status = os.lstat(path)
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
            return False
        *machine, number, start = json.loads(read(path / OWNER, 1000))
        return machine == here[:2] and isinstance(number, int) and isinstance(start, str) and started(number) != start
    except (OSError, ValueError, TypeError, RecursionError):
        return False


def this_process() -> list[str | int | None] | None:
    """What no other process has in common: [start of the machine, container, number, start]; None but on Linux."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return [boot, os.readlink("/proc/self/ns/pid"), os.getpid(), started(os.getpid())]
    except OSError:
        return None


def started(number: int) -> str | None:
    """When the process with a number was started, in ticks of the clock as text; None: there is no such process."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return None


def check_room(folder: Path, total: int, largest: int) -> None:
    """UserError: there is no room in a folder for so many bytes, or for a file of `largest` bytes."""
    room, limit = shutil.disk_usage(folder).free, largest_file()
    if total > room or largest > limit:
        need, there = (total, room) if total > room else (largest, limit)
        what = "free" if total > room else "the largest file that the system's limits allow (ulimit -f)"
        raise UserError(f"--output {folder}: {size(need)} needed, {size(there)} {what}; make room or name another")


def largest_file() -> float:
    """Bytes that a file may have by this process's limits."""
    try:
        import resource
    except ImportError:  # Windows
        return float("inf")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    return float("inf") if limit == resource.RLIM_INFINITY else limit
