"""Command lines: the types of options, parsers, and the runner that tells errors in one line.

Nothing heavy is imported here, so that `--help` and usage errors answer at once.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import MISSING, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from actioncnn import __version__
from actioncnn.errors import UserError, one_line, printable

if TYPE_CHECKING:
    from tqdm import tqdm

LOG_INTERVAL = 30  # seconds
TRUE = "true", "yes", "on", "1", "t", "y"
FALSE = "false", "no", "off", "0", "f", "n"


def run(main: Callable[[], object]) -> None:
    """Runs a script's main(); a UserError or Ctrl-C ends it with one line on standard error and exit code 1 or 130."""
    open_streams()
    try:
        main()
    except UserError as error:
        sys.exit(printable(f"{program()}: {error}"))
    except ModuleNotFoundError as error:
        sys.exit(f"{program()}: {error.name} is not installed in {sys.prefix}: pip install -r requirements.txt")
    except KeyboardInterrupt:
        print(f"{program()}: interrupted", file=sys.stderr)
        os._exit(130)  # at once: threads of TensorFlow would delay a normal exit
    except BrokenPipeError:
        os._exit(141)  # the reader of a pipe has gone, as with `| head`
    except OSError as error:  # such as a full disk; files that were written before are complete
        sys.exit(printable(f"{program()}: {error.filename or 'writing'}: {error.strerror or error}"))
    except Exception as error:
        if not isinstance(error, MemoryError) and type(error).__name__ != "ResourceExhaustedError":  # TensorFlow's
            raise
        remedy = "use smaller or fewer frames, or a smaller batch"
        sys.exit(printable(f"{program()}: the memory is full ({one_line(error)}); {remedy}"))


def open_streams() -> None:
    """Makes standard streams usable: letters that the terminal cannot show become ?, closed streams lead nowhere."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free, else a file of ours would
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))  # noqa: SIM115
        elif number and hasattr(getattr(sys, name), "reconfigure"):
            getattr(sys, name).reconfigure(errors="replace")


def program() -> str:
    return Path(sys.argv[0]).name


def say(*lines: object) -> None:
    """Prints lines of text, whatever is in the names that they hold."""
    print(*map(printable, lines), sep="\n", flush=True)


def warn(message: object, *lines: object) -> None:
    """Prints a message, behind the script's name, and more lines on standard error."""
    print(printable(f"{program()}: {message}"), *map(printable, lines), sep="\n", file=sys.stderr, flush=True)


def count(number: int, word: str) -> str:
    """A number of things in words: 1 class, 2 classes."""
    plural = "es" if word.endswith("s") else "s"
    return f"{number} {word}{'' if number == 1 else plural}"


def shorten(items: Sequence[str], most: int = 5) -> str:
    """Names with commas between; of more than `most` names the first ones, and how many more there are."""
    return ", ".join(items[:most]) + (f" and {len(items) - most} more" if len(items) > most else "")


def boolean(text: str) -> bool:
    """True, yes, on, 1 and False, no, off, 0 in any case -> bool."""
    if text.lower() not in TRUE + FALSE:
        raise argparse.ArgumentTypeError(f"{text!r} is not True or False")
    return text.lower() in TRUE


def whole_number(minimum: int) -> Callable[[str], int]:
    """An argparse type: a whole number of at least `minimum`."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
        if value < minimum:
            raise argparse.ArgumentTypeError(f"{value} is too small: it must be at least {minimum}")
        return value

    return parse


def shard(text: str) -> tuple[int, int]:
    """An argparse type: i/n, the i-th of n parts, as (i, n)."""
    match = re.fullmatch(r"([1-9]\d*)/([1-9]\d*)", text)
    if not match or int(match[1]) > int(match[2]):
        raise argparse.ArgumentTypeError(f"{text!r} is not a part such as 1/4, 2/4, 3/4 or 4/4")
    return int(match[1]), int(match[2])


def number(text: str) -> float:
    """A finite number."""
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text} is not a finite number")
    return value


def positive(text: str) -> float:
    """A finite number above zero."""
    value = number(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text} must be above zero")
    return value


def not_negative(text: str) -> float:
    """A finite number, zero or above."""
    value = number(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} must not be below zero")
    return abs(value)  # -0.0 is zero


def bar(**options: Any) -> tqdm:
    """A tqdm progress bar. If standard error is not a terminal, it prints a line every LOG_INTERVAL seconds."""
    from tqdm import tqdm

    if not sys.stderr.isatty():
        options |= {"mininterval": LOG_INTERVAL, "bar_format": "{desc}: {percentage:3.0f}% {r_bar}\n"}
    return tqdm(**options)


SWITCH = {"type": boolean, "nargs": "?", "const": True, "metavar": "True|False"}  # --name, --name True, --name False


def is_valid(type: Callable[[str], object], words: Sequence[str]) -> bool:
    """Whether an argparse type takes the one word of a list."""
    try:
        return bool(words) and type(words[0]) is not None
    except argparse.ArgumentTypeError:
        return False


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one line, and whose switches leave alone a word that is not theirs."""

    def parse_known_args(self, args: Iterable[str] | None = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """`--large video.mp4` is `--large True video.mp4`: argparse would take the file for the switch's value."""
        words = list(sys.argv[1:] if args is None else args)
        takes_words = any(not action.option_strings for action in self._actions)
        switches = {
            name: action.type
            for action in self._actions
            if action.nargs == "?" and callable(action.type) and takes_words
            for name in action.option_strings
        }
        alone = {
            name: action.alone for action in self._actions if hasattr(action, "alone") for name in action.option_strings
        }
        end = words.index("--") if "--" in words else len(words)
        for place in reversed(range(end)):
            if words[place] in switches and not is_valid(switches[words[place]], words[place + 1 : place + 2]):
                words.insert(place + 1, "True")
            if place + 1 < end and words[place + 1] in alone.get(words[place], ()):
                words.insert(place + 1, words[place + 1])  # one word stands for the two that the option takes
        return super().parse_known_args(words, namespace)

    def error(self, message: str) -> NoReturn:
        self.exit(2, printable(f"{self.prog}: {message}; --help shows the options") + "\n")


def parser(description: str) -> Parser:
    """A Parser that takes no abbreviated options: their meaning would change as options are added.

    `--help` begins with the description, which has examples: a usage line of 25 options helps nobody.
    """
    raw = argparse.RawDescriptionHelpFormatter
    command = Parser(description=description, usage=argparse.SUPPRESS, formatter_class=raw, allow_abbrev=False)
    command.add_argument("--version", action="version", version=f"actioncnn {__version__}")
    return command


def option(group: str, default: Any, help: str, type: Callable[[str], Any], **kind: Any) -> Any:
    """A field of a dataclass of options, with its group in `--help` and the arguments of add_argument.

    The default is added to `help`, except None, for which `help` says what happens. kind: more arguments.
    """
    named = "" if default is None or default is MISSING else f" (default: {default})"
    kind |= SWITCH if type is bool else {"type": type}
    return field(default=default, metadata={"group": group, "argument": kind | {"help": help + named}})
