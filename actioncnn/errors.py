"""What can go wrong, as exceptions, and how an error is told in one line."""


class UserError(Exception):
    """What a user can mend: its message is one line that names the file or option and the remedy (exit 1)."""


class NoFrameError(Exception):
    """A video that cannot be opened or gives no frame; the message is the reason in a few words."""


class PassingError(NoFrameError):
    """A video that cannot be read for now: it is missing, forbidden, or its drive does not answer."""


def one_line(error):
    """Kind and message of any exception, on one line of bounded length."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
