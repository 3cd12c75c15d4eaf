"""What a frame of a video, and the reading of one, may take."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

from actioncnn.errors import NoFrameError

MAX_PIXELS = 1 << 26  # of a frame, 200 MB in colour: 8K is half of it
MEMORY = 1500 << 20  # bytes that a process may take for the reading of videos; 8K video takes half of it

_lock, _within, _former = threading.Lock(), 0, None


@contextlib.contextmanager
def limited_memory() -> Iterator[None]:
    """Lets this process take no more than MEMORY beside what it has: a file of 1 KB may ask for many gigabytes.

    NoFrameError: the block takes more. Nothing where the system has no such limit. Blocks may lie within each other and
    in several threads: the limit is that of the first, and goes with the last.
    """
    global _within
    with _lock:
        if not _within:
            _begin()
        _within += 1
    try:
        yield
    except MemoryError as error:
        raise NoFrameError(f"takes more than {MEMORY / 1e9:.1f} GB of memory to read; re-encode it") from error
    finally:
        with _lock:
            _within -= 1
            if not _within:
                _end()


def _begin():
    global _former
    with contextlib.suppress(ImportError, OSError):  # only Linux tells and limits it
        import resource

        former, lines = resource.getrlimit(resource.RLIMIT_DATA), Path("/proc/self/status").read_text().splitlines()
        data = next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmData"))
        known = [limit for limit in (*former, data + MEMORY) if limit != resource.RLIM_INFINITY]
        resource.setrlimit(resource.RLIMIT_DATA, (min(known), former[1]))
        _former = former


def _end():
    global _former
    if _former:
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, _former)
        _former = None
