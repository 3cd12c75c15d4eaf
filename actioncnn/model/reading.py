"""What a model of any origin takes: its range of values, its order of axes, its colour. For the output see head.py.

The file of a model of others does not tell. `infer_reading` goes by the options of the command line, then by the
model's layers, the shape of its input and the names of its files. What these leave open is assumed, and `note` says so.
"""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from actioncnn import cli
from actioncnn.errors import UserError

WHOLE = 0.0, 255.0
AXES = ["HWTC", "THWC"]
LARGEST = 1e30  # of the numbers that a file may give as the range
OPTIONS = {  # what is assumed -> the option that changes it
    "range": "--range LOW HIGH",
    "axes": "--axes HWTC|THWC",
    "scrambled": "--scrambled True|False",
    "output": "--output-layer NAME",
}


class Asked(NamedTuple):
    """What options say about a model's input and output, or an exported file about its own; None: nothing."""

    range: list | None = None  # --range
    axes: str | None = None  # --axes
    scrambled: bool | None = None  # --scrambled
    output: str | None = None  # --output-layer

    def or_else(self, other):
        """This, and where it says nothing, what another Asked says."""
        return Asked(*(mine if mine is not None else theirs for mine, theirs in zip(self, other, strict=True)))


def told_of(facts):
    """The Asked that the facts of an exported model's file stand for; what is damaged in them counts for nothing."""
    reading, head = (part if isinstance(part := facts.get(name), dict) else {} for name in ("reading", "head"))
    ends, axes, scrambled, output = (
        reading.get("range"),
        reading.get("axes"),
        reading.get("scrambled"),
        head.get("output"),
    )
    numbers = isinstance(ends, list) and len(ends) == 2 and all(type(end) in (int, float) for end in ends)
    return Asked(
        ends if numbers and -LARGEST < ends[0] < ends[1] < LARGEST else None,
        axes if axes in AXES else None,
        scrambled if isinstance(scrambled, bool) else None,
        output if isinstance(output, str) else None,
    )


def add_options(group):
    """The options --range, --axes, --scrambled, --output-layer and --large to an argparse group."""
    add = group.add_argument
    scale = "values of black and white in the model's input (default: 0 255 for models of this suite, of 2017 or "
    scale += "that rescale their input themselves, else 0 1)"
    add("--range", type=cli.number, nargs=2, metavar=("LOW", "HIGH"), help=scale)
    axes = "order of axes of the model's input, T for time (default: as its layers and shape tell, else HWTC)"
    add("--axes", choices=AXES, help=axes)
    scrambled = "colour in BGR and with mixed-up axes, as the scripts of 2017 fed it (default: for their models alone)"
    add("--scrambled", help=scrambled, **cli.SWITCH)
    outputs = "output of a model with several, by the name of its layer (default: the first)"
    add("--output-layer", metavar="NAME", help=outputs)
    large = "read model files of any size, which may take all memory: only those that you trust (default: False)"
    add("--large", default=False, help=large, **cli.SWITCH)


def add_model_options(parser):
    """The options that name a model, and those of `add_options`, to a Parser."""
    add = parser.add_argument_group("model").add_argument
    add("--run", type=Path, help="--output of a training run: its model, classes and options are used")
    add("--model", "-m", type=Path, help="instead: JSON of a model, or a .keras or full-model .h5 file")
    add("--weights", "-w", type=Path, help="HDF5 of its weights (default: that beside the JSON)")
    add("--classes", type=Path, help="class names, one a line (default: classes.txt beside the model)")
    add_options(parser.add_argument_group("the model's input and output"))


def asked_of(args):
    """The Asked of parsed options."""
    return Asked(args.range, args.axes, args.scrambled, args.output_layer)


def check_options(parser, args):
    """Ends with a usage error where options about the model contradict each other."""
    if "run" in args and (bool(args.run) == bool(args.model) or (args.run and args.weights)):
        parser.error("give either --run DIRECTORY or --model FILE [--weights FILE]")
    if args.range and args.range[0] >= args.range[1]:
        parser.error("--range: the first number must be the smaller one")
    if args.large:
        from actioncnn.model import audit

        audit.lift_bounds()


@dataclass(frozen=True)
class Reading:
    """What a model takes."""

    shape: tuple  # of a clip (H, W, T, C), or a frame (H, W, C), in this order whatever the model's is
    low: float  # value of black in the input
    high: float  # of white
    axes: str  # HWTC, THWC or HWC
    scrambled: bool  # colour as the scripts of 2017 fed it
    assumed: dict  # {what: in words}

    def feed(self, clips):
        """Clips (B, H, W, T, C), or frames (B, H, W, C), array or tensor of 0 to 255, RGB or gray -> the input.

        Scrambled: the scripts of 2017 fed BGR, and (H, W, C, T) reshaped, not transposed, to (H, W, T, C).
        """
        from keras import ops

        shape = (-1, *clips.shape[1:])
        if self.scrambled:
            clips = ops.flip(clips, -1)
            clips = ops.reshape(ops.swapaxes(clips, 3, 4), shape) if len(shape) == 5 else clips
        if self.axes == "THWC":
            clips = ops.transpose(clips, (0, 3, 1, 2, 4))
        if (self.low, self.high) != WHOLE:
            clips = self.low + ops.cast(clips, "float32") * ((self.high - self.low) / 255)
        return clips

    def as_dict(self):
        """For JSON."""
        return {"range": [self.low, self.high], "axes": self.axes, "scrambled": self.scrambled}


def note(path, assumed, *others):
    """One line on what was assumed, "" where nothing was.

    assumed: {what: in words}, of a Reading and a Head; others: more of these words.
    """
    said = ", ".join([*others, *assumed.values()])
    options = ", ".join(OPTIONS[name] for name in assumed if name in OPTIONS)
    return said and f"{path}: assumed {said}" + (f" (to change: {options})" if options else "")


def infer_reading(model, names, asked=Asked(), ours=False):  # noqa: B008 - immutable
    """The Reading of a loaded keras.Model. names: of its files, without folders. ours: a training run here wrote it.

    UserError: its inputs are not clips or frames of one fixed shape, or an option does not fit it.
    """
    from actioncnn.model import outline

    assumed = {}
    shape = input_shape(model)
    axes = asked.axes or _axes(shape, 3 if ours else outline.time_axis(model), assumed)
    if len(shape) == 3 and asked.axes:
        raise UserError(f"--axes {asked.axes}: the model takes single frames {shape}")
    shape = shape if axes != "THWC" else (*shape[1:3], shape[0], shape[3])
    white = 255.0 if ours else outline.own_scale(model)
    of_2017 = not white and axes != "THWC" and outline.is_of_2017(model, shape, names)
    white = white or (255.0 if of_2017 else 1.0)
    low, high = asked.range or (0.0, white)
    if not asked.range and (of_2017 or white == 1):
        assumed["range"] = f"values from 0 to {white:g}"
    scrambled = _scrambled(of_2017, shape, axes, asked.scrambled, assumed)
    return Reading(shape, low, high, axes, scrambled, assumed)


@contextlib.contextmanager
def naming(path):
    """Puts the model's file before a UserError that is not about an option."""
    try:
        yield
    except UserError as error:
        raise error if str(error).startswith("--") else UserError(f"{path}: {error}") from None


def input_shape(model):
    """Shape, without the batch, of the clip or frame that all inputs of a model are fed with."""
    shapes = {tuple(tensor.shape[1:]) for tensor in model.inputs}
    shape = next(iter(shapes))
    if len(shapes) > 1 or len(shape) not in (3, 4) or None in shape:
        listed = ", ".join(str(shape).replace("None", "any") for shape in sorted(shapes, key=str))
        raise UserError(f"its input {listed} is not one clip or frame of a fixed size: (H, W, T, C) or (H, W, C)")
    return shape


def _axes(shape, time_axis, assumed):
    """HWTC or THWC; what layers do not tell, the lengths may: frames are square, or longer than time."""
    if len(shape) == 3:
        return "HWC"
    first, second, third, _ = shape
    sure = time_axis in (1, 3) or (first == second) != (second == third)
    if time_axis == 1 or (time_axis is None and (second == third != first or first < min(second, third))):
        assumed["axes"] = f"{shape} as (time, height, width, channel)"
        return "THWC"
    if not sure:
        assumed["axes"] = f"{shape} as (height, width, time, channel)"
    return "HWTC"


def _scrambled(of_2017, shape, axes, asked, assumed):
    if shape[-1] != 3 or axes == "THWC":
        if asked:
            raise UserError("--scrambled True: only colour models of the order HWTC were fed so")
        return False
    if asked is None and of_2017:
        assumed["scrambled"] = "BGR and in the order of axes of the 2017 scripts"
    return of_2017 if asked is None else asked
