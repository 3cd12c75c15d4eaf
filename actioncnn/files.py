"""Files that appear whole or not at all, and their names on a terminal or a picture."""

import contextlib
import os
import re
from pathlib import Path

from actioncnn.errors import UserError

UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


@contextlib.contextmanager
def replaced(path, ending=""):
    """A new path beside `path`, with the ending of it or `ending`: at the end of the block it takes its place.

    So what stood there stays until the new file is whole. UserError: it cannot be written.
    """
    path = Path(path)
    new = path.with_name(f".{os.getpid()}_{path.name[-50:]}{ending}")  # [-50:]: the longest name has 255 bytes
    try:
        yield new
        new.replace(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        new.unlink(missing_ok=True)


def write(path, data):
    """Writes text (UTF-8; names that are not valid text come back as they were) or bytes to a file."""
    with replaced(path) as new:
        new.write_bytes(data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data)


def make_output(path):
    """Makes the directory that --output names. UserError: it cannot be made or written."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / ".probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UserError(f"--output {path}: cannot be written ({error.strerror}); name another directory") from None


def printable(text):
    """A line as it can be printed: what came from a file may hold commands to a terminal, or be no valid text.

    Control characters and those that turn the direction of writing become escapes (\\x1b), what is no text ?.
    """
    return UNSEEN.sub(lambda found: ascii(found[0])[1:-1], str(text)).encode(errors="replace").decode()
