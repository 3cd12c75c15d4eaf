"""What can go wrong, as exceptions, and how an error, or any text from a file, is printed in one line."""

import re

UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


class UserError(Exception):
    """What a user can mend: its message is one line that names the file or option and the remedy (exit 1)."""


class NoFrameError(Exception):
    """A video that cannot be opened or gives no frame; the message is the reason in a few words."""


class PassingError(NoFrameError):
    """A video that cannot be read for now: it is missing, forbidden, or its drive does not answer."""


def one_line(error: BaseException) -> str:
    """Kind and message of any exception, on one line of bounded length."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]


def printable(text: object) -> str:
    """A line as it can be printed: what came from a file may hold commands to a terminal, or be no valid text.

    Control characters and those that turn the direction of writing become escapes (\\x1b), what is no text ?.
    """
    return UNSEEN.sub(lambda found: ascii(found[0])[1:-1], str(text)).encode(errors="replace").decode()
