"""Files that appear whole or not at all."""

import contextlib
import os
import re
import shutil
import tempfile
from pathlib import Path

from actioncnn.errors import UserError

TEMPORARY = re.compile(r"\.?actioncnn-(\d+)-.+")  # names of files that are being written, with the process's number


@contextlib.contextmanager
def replaced(path, ending=""):
    """A new path beside `path`, with the ending of it or `ending`: at the end of the block it takes its place.

    So what stood there stays until the new file is whole. UserError: it cannot be written.
    """
    path = Path(path)
    new = path.with_name(f".actioncnn-{os.getpid()}-{path.name[-50:]}{ending}")  # [-50:]: the longest has 255 bytes
    try:
        yield new
        new.replace(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        new.unlink(missing_ok=True)


def write(path, data):
    """Writes text (UTF-8; names that are not valid text come back as they were) or bytes to a file."""
    content = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
    with replaced(path) as new:
        try:
            new.write_bytes(content)
        except OSError as error:
            error.strerror = f"{error.strerror or error}; it needs {size(len(content))}"
            raise


def size(count):
    """Bytes in words."""
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count} bytes"


def make_output(path):
    """Makes the directory that --output names. UserError: it cannot be made or written."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path).close()
    except OSError as error:
        raise UserError(f"--output {path}: cannot be written ({error.strerror}); name another directory") from None


def temporary_folder():
    """A folder for the length of a `with` block, where the system keeps such; what killed processes left is removed."""
    sweep(tempfile.gettempdir())
    return tempfile.TemporaryDirectory(prefix=f"actioncnn-{os.getpid()}-")


def sweep(folder):
    """Removes the temporary files that killed processes of this suite left in a folder."""
    with contextlib.suppress(OSError):  # it, or what is in it, is another user's
        for path in Path(folder).iterdir():
            owner = TEMPORARY.fullmatch(path.name)
            if owner and not Path("/proc", owner[1]).exists():
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()


def check_room(folder, total, largest):
    """UserError: there is no room in a folder for so many bytes, or for a file of `largest` bytes."""
    room, limit = shutil.disk_usage(folder).free, largest_file()
    if total > room or largest > limit:
        need, there = (total, room) if total > room else (largest, limit)
        what = "free" if total > room else "the largest file that the system's limits allow (ulimit -f)"
        raise UserError(f"--output {folder}: {size(need)} needed, {size(there)} {what}; make room or name another")


def largest_file():
    """Bytes that a file may have by this process's limits."""
    try:
        import resource
    except ImportError:  # Windows
        return float("inf")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    return float("inf") if limit == resource.RLIM_INFINITY else limit
