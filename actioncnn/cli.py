"""Command lines: the options that the training scripts share, the types of options, errors in one line.

Nothing heavy is imported here, so that `--help` and usage errors answer at once.
"""

import argparse
import os
import sys
from pathlib import Path


class UserError(Exception):
    """What a user can mend: its message is one line that names the file or option and the remedy (exit 1)."""


def run(main):
    """Runs a script's main(); a UserError or Ctrl-C ends it with one line on standard error and exit code 1 or 130."""
    try:
        main()
    except UserError as error:
        sys.exit(f"{program()}: {error}")
    except ModuleNotFoundError as error:
        sys.exit(f"{program()}: {error.name} is not installed in {sys.prefix}: pip install -r requirements.txt")
    except KeyboardInterrupt:
        print(f"{program()}: interrupted", file=sys.stderr)
        os._exit(130)  # threads of TensorFlow would hold the exit back
    except BrokenPipeError:
        os._exit(141)  # the reader of a pipe has gone, as with `| head`
    except OSError as error:  # a full disk, a directory taken away: what was written before is whole
        sys.exit(f"{program()}: {error.filename or 'writing'}: {error.strerror or error}")


def program():
    return Path(sys.argv[0]).name


def warn(message):
    print(f"{program()}: {message}", file=sys.stderr, flush=True)


def boolean(text):
    """True, yes, on, 1 and False, no, off, 0 in any case -> bool."""
    values = dict.fromkeys(("true", "yes", "on", "1", "t", "y"), True) | dict.fromkeys(
        ("false", "no", "off", "0", "f", "n"), False
    )
    if text.lower() not in values:
        raise argparse.ArgumentTypeError(f"{text!r} is not True or False")
    return values[text.lower()]


def whole(minimum):
    """An argparse type: a whole number of at least `minimum`."""

    def parse(text):
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
        if value < minimum:
            raise argparse.ArgumentTypeError(f"{value} is too small: it must be at least {minimum}")
        return value

    return parse


def positive(text):
    """A finite number above zero."""
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} must be above zero")
    return value


def not_negative(text):
    """A finite number, zero or above."""
    return 0.0 if text.strip() in ("0", "0.0") else positive(text)


def add_boolean(group, name, default, help):
    """`--name`, `--name True`, `--name False`; `default` may be None for "decided by the script"."""
    group.add_argument(name, type=boolean, nargs="?", const=True, default=default, metavar="True|False", help=help)


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one line."""

    def error(self, message):
        self.exit(2, f"{self.prog}: {message}; --help shows the options\n")


def parser(description):
    """A Parser that takes no abbreviated options: their meaning would change as options are added."""
    return Parser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)


def training_parser(description, video=True, nmodel=False):
    """The options of the training scripts: those of 2017 first, with their names and defaults, the extras in groups.

    `video`: the network takes clips, so there are `--skip` and `--depth`. `nmodel`: it trains several.
    """
    result = parser(description)
    main = result.add_argument_group("options of 2017")
    main.add_argument("--batch", type=whole(1), default=128, help="batch size (default: 128)")
    main.add_argument("--epoch", type=whole(1), default=100, help="number of epochs (default: 100)")
    main.add_argument(
        "--videos", type=Path, default=Path("UCF101"), help="directory where the dataset is stored (default: UCF101)"
    )
    main.add_argument(
        "--nclass", type=whole(2), default=101, help="number of classes to use, in alphabetical order (default: 101)"
    )
    main.add_argument("--output", type=Path, required=True, help="directory for the results; made if missing")
    add_boolean(main, "--color", False, "RGB frames instead of grayscale (default: False)")
    if video:
        add_boolean(
            main, "--skip", True, "frames at even intervals over the whole video; False: the first ones (default: True)"
        )
        main.add_argument("--depth", type=whole(1), default=10, help="number of frames (default: 10)")
    if nmodel:
        main.add_argument("--nmodel", type=whole(1), default=3, help="number of models (default: 3)")
    _data_options(result.add_argument_group("dataset"))
    _recipe_options(result.add_argument_group("training"))
    return result


def _data_options(group):
    group.add_argument(
        "--split", choices=["1", "2", "3", "random", "all"], default="1",
        help="test groups of the official split 1, 2 or 3; all: the three in turn, with mean and deviation; "
        "random: 80/20 over videos, which inflates accuracy (default: 1)",
    )  # fmt: skip
    group.add_argument("--size", type=whole(8), default=32, help="width and height of a frame in pixels (default: 32)")
    group.add_argument(
        "--cache", type=Path, help="directory of the cache of extracted frames (default: ~/.cache/actioncnn)"
    )
    group.add_argument("--workers", type=whole(1), help="processes that extract frames (default: one per core)")


def _recipe_options(group):
    group.add_argument(
        "--seed",
        type=whole(0),
        default=0,
        help="of every random choice; the same seed gives the same result (default: 0)",
    )
    group.add_argument("--learning-rate", type=positive, help="rate at the start (default: that of the recipe)")
    add_boolean(group, "--augment", True, "vary the training clips at random (default: True)")
    add_boolean(
        group, "--flip", None, "mirror clips at random; default: unless a class name says left, right or clockwise"
    )
    group.add_argument(
        "--views", type=whole(1), default=1,
        help="also report test accuracy averaged over this many temporal views of each video (default: 1)",
    )  # fmt: skip
    group.add_argument(
        "--precision", choices=["auto", "float32", "mixed"], default="auto",
        help="mixed: 16-bit arithmetic; auto: mixed on a GPU that has it, else float32 (default: auto)",
    )  # fmt: skip
    add_boolean(
        group,
        "--resume",
        False,
        "go on with a run that was interrupted, from the checkpoint in --output (default: False)",
    )
