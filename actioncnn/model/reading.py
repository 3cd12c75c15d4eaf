"""What a model of any origin takes: its range of values, its order of axes, its colour. For the output see head.py.

The file of a model of others does not say. `infer_reading` goes by the options of the command line, then by the
model's layers and what they learned (scaling.py), the shape of its input and the names of its files. What these leave
open is assumed, and `note` says so.
"""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from actioncnn import cli
from actioncnn.errors import UserError
from actioncnn.model.scales import BGR, SCALES

WHOLE = 0.0, 255.0
COLOURS = "RGB", "BGR"
TEACHABLE = "keras_model.h5", "labels.txt"  # what Teachable Machine exports; its models take -1 to 1
AXES = ["HWTC", "THWC"]
LARGEST = 1e30  # of the numbers that a file may give as the range
OPTIONS = {  # what is assumed -> the option that changes it
    "range": "--range LOW HIGH or --range tf|caffe|torch",
    "colour": "--colour RGB|BGR",
    "axes": "--axes HWTC|THWC",
    "scrambled": "--scrambled True|False",
    "output": "--output-layer NAME",
}


class Asked(NamedTuple):
    """What options say about a model's input and output, or an exported file about its own; None: nothing."""

    range: tuple | None = None  # --range: (black, white), numbers or one for each channel
    axes: str | None = None  # --axes
    scrambled: bool | None = None  # --scrambled
    output: str | None = None  # --output-layer
    colour: str | None = None  # --colour
    depth: int | None = None  # --depth
    size: int | None = None  # --size

    def or_else(self, other):
        """This, and where it says nothing, what another Asked says."""
        return Asked(*(mine if mine is not None else theirs for mine, theirs in zip(self, other, strict=True)))


def told_of(facts):
    """The Asked that the facts of an exported model's file stand for; what is damaged in them counts for nothing."""
    reading, head = (part if isinstance(part := facts.get(name), dict) else {} for name in ("reading", "head"))
    axes, scrambled, colour = (reading.get(name) for name in ("axes", "scrambled", "colour"))
    output = head.get("output")
    return Asked(
        _ends_told(reading.get("range")),
        axes if axes in AXES else None,
        scrambled if isinstance(scrambled, bool) else None,
        output if isinstance(output, str) else None,
        colour if colour in COLOURS else None,
    )


def _ends_told(ends):
    """(black, white) of a value of JSON, each a number or three of them; None where it is something else."""
    if not isinstance(ends, list) or len(ends) != 2:
        return None
    black, white = (end if isinstance(end, list) else [end] for end in ends)
    numbers = all(type(value) in (int, float) and abs(value) < LARGEST for value in (*black, *white))
    if not numbers or len(black) != len(white) or len(black) not in (1, 3):
        return None
    if any(low >= high for low, high in zip(black, white)):
        return None
    return tuple(tuple(end) if isinstance(end, list) else end for end in ends)


def add_options(group):
    """The options --range, --colour, --axes, --depth, --size, --scrambled, --output-layer and --large to a group."""
    add = group.add_argument
    scale = "values of black and white in the model's input, or tf, caffe or torch, as keras.applications names its "
    scale += "preprocessing (default: as the model's layers tell, else 0 1)"
    add("--range", type=range_end, nargs=2, metavar=("LOW", "HIGH"), help=scale).alone = SCALES
    colour = "order of the channels (default: BGR, as OpenCV reads, for networks of clips without layers that rescale "
    colour += "their input, else RGB)"
    add("--colour", choices=COLOURS, help=colour)
    axes = "order of axes of the model's input, T for time (default: as its layers and shape tell, else HWTC)"
    add("--axes", choices=AXES, help=axes)
    number = cli.whole_number(1)
    add("--depth", type=number, help="number of frames of a clip, for models that take any number (default: none)")
    add("--size", type=number, help="side of a frame in pixels, for models that take any size (default: none)")
    scrambled = "colour in BGR and with mixed-up axes, as the scripts of 2017 fed it (default: for their models alone)"
    add("--scrambled", help=scrambled, **cli.SWITCH)
    outputs = "output of a model with several, by the name of its layer (default: the first)"
    add("--output-layer", metavar="NAME", help=outputs)
    large = "read model files of any size, which may take all memory: only those that you trust (default: False)"
    add("--large", default=False, help=large, **cli.SWITCH)


def range_end(text):
    """An argparse type: a number, or the name of a scale."""
    return text if text in SCALES else cli.number(text)


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
    ends, colour = args.range and tuple(args.range), args.colour
    if ends and ends[0] in SCALES:
        colour = colour or ("BGR" if ends[0] in BGR else None)
        ends = SCALES[ends[0]]
    return Asked(ends, args.axes, args.scrambled, args.output_layer, colour, args.depth, args.size)


def check_options(parser, args):
    """Ends with a usage error where options about the model contradict each other."""
    if "run" in args and (bool(args.run) == bool(args.model) or (args.run and args.weights)):
        parser.error("give either --run DIRECTORY or --model FILE [--weights FILE]")
    names = [end for end in args.range or () if end in SCALES]
    if len(names) == 1 or len(set(names)) == 2:
        parser.error("--range: give two numbers or one name of a scale")
    if args.range and not names and args.range[0] >= args.range[1]:
        parser.error("--range: the first number must be the smaller one")
    if args.large:
        from actioncnn.model import audit

        audit.lift_bounds()


@dataclass(frozen=True)
class Reading:
    """What a model takes."""

    shape: tuple  # of a clip (H, W, T, C), or a frame (H, W, C), in this order whatever the model's is
    low: float | tuple  # value of black in the input, or one for each channel
    high: float | tuple  # of white
    axes: str  # HWTC, THWC or HWC
    scrambled: bool  # colour as the scripts of 2017 fed it
    assumed: dict  # {what: in words}
    colour: str = "RGB"  # or BGR: the order of the channels in the input

    def feed(self, clips):
        """Clips (B, H, W, T, C), or frames (B, H, W, C), array or tensor of 0 to 255, RGB or gray -> the input.

        Scrambled: the scripts of 2017 fed BGR, and (H, W, C, T) reshaped, not transposed, to (H, W, T, C).
        """
        from keras import ops

        shape = (-1, *clips.shape[1:])
        if self.scrambled or self.colour == "BGR":
            clips = ops.flip(clips, -1)
        if self.scrambled:
            clips = ops.reshape(ops.swapaxes(clips, 3, 4), shape) if len(shape) == 5 else clips
        if self.axes == "THWC":
            clips = ops.transpose(clips, (0, 3, 1, 2, 4))
        if (self.low, self.high) != WHOLE:
            low, span = self.scale
            clips = low + ops.cast(clips, "float32") * span
        return clips

    @property
    def scale(self):
        """(a, b): a value v of 0 to 255 becomes a + b * v; numbers, or float32 arrays with one for each channel."""
        import numpy as np  # not above: options are parsed before it is imported

        if isinstance(self.low, tuple):
            low, high = np.float32(self.low), np.float32(self.high)
            return low, (high - low) / np.float32(255)
        return self.low, (self.high - self.low) / 255

    def as_dict(self):
        """For JSON."""
        told = {"range": [self.low, self.high], "axes": self.axes, "scrambled": self.scrambled}
        return told | ({"colour": self.colour} if self.shape[-1] == 3 else {})


def note(path, assumed, *others):
    """One line on what was assumed, "" where nothing was.

    assumed: {what: in words}, of a Reading and a Head; others: more of these words.
    """
    words = "; ".join([*others, *assumed.values()])
    options = ", ".join(OPTIONS[name] for name in assumed if name in OPTIONS)
    line = f"{path} does not say how clips were prepared for it. Assumed: {words}."
    return words and line + (f" To change this: {options}" if options else "")


def infer_reading(model, names, asked=Asked(), ours=False):  # noqa: B008 - immutable
    """The Reading of a loaded keras.Model. names: of its files, without folders. ours: a training run here wrote it.

    UserError: its inputs are not clips or frames of one fixed shape, or an option does not fit it.
    """
    from actioncnn.model import outline

    assumed = {}
    shape = input_shape(model)
    family = len(shape) == 4 and outline.is_of_2017(model, shape, names)
    runs_along = 3 if ours or family else outline.time_axis(model)
    axes = asked.axes or _axes(shape, runs_along, outline.odd_axis(model), assumed)
    if len(shape) == 3 and asked.axes:
        raise UserError(f"--axes {asked.axes}: the model takes single frames {shape}")
    shape = shape if axes != "THWC" else (*shape[1:3], shape[0], shape[3])
    white = 255.0 if ours else outline.own_scale(model)
    of_2017 = not white and axes != "THWC" and outline.is_of_2017(model, shape, names)
    scrambled = _scrambled(of_2017, shape, axes, asked.scrambled, assumed)
    if white or of_2017:
        ends, why, colour = (0.0, white or 255.0), "", "RGB"
    else:
        ends, why, colour = _likely_scale(model, shape, names)
    if not asked.range and (of_2017 or white == 1 or why):
        assumed["range"] = f"values {_in_words(ends)}{why}"
    if shape[-1] != 3 or scrambled or ours:
        colour = "RGB"
    elif asked.colour:
        colour = asked.colour
    else:
        by_opencv = not colour and len(shape) == 4 and not white
        colour = colour or ("BGR" if by_opencv else "RGB")
        assumed["colour"] = f"colour in the order {colour}" + (" (likely, as OpenCV reads videos)" if by_opencv else "")
    low, high = asked.range or ends
    if isinstance(low, tuple) and shape[-1] != 3:
        raise UserError("--range: caffe and torch are for colour; the model takes gray frames")
    return Reading(shape, low, high, axes, scrambled, assumed, colour)


def _likely_scale(model, shape, names):
    """((black, white), why in words, colour or None where nothing tells it) of a model that does not say its scale."""
    from actioncnn.model import outline, scaling

    stack = list(outline.unwrapped(model))
    known = scaling.backbone({layer.name for layer in stack}) if shape[-1] == 3 else None
    fitted = outline.normalization(model)
    colour = None
    if known:
        network, scale = known
        ends, why = SCALES[scale], f"likely, since {network} of keras.applications was trained with --range {scale}"
    elif fitted and (ends := scaling.statistics_scale(*fitted)):
        why = "likely, by the statistics in its Normalization layer"
    elif len(shape) == 3 and TEACHABLE[0] in names:
        ends, why, colour = SCALES["tf"], "as all models of Teachable Machine", "RGB"
    elif likeliest := scaling.batch_norm_scale(stack, shape):
        ends, odds = likeliest
        why = f"by its first batch normalization, {odds} times as likely as the next"
    else:
        ends, why = (0.0, 1.0), "a guess, since nothing in the model tells"
    return ends, f" ({why})", colour or ("BGR" if ends == SCALES["caffe"] else None)


def _in_words(ends):
    """Black and white as text: from 0 to 1; of channels each."""
    black, white = (", ".join(f"{value:.4g}" for value in (end if isinstance(end, tuple) else [end])) for end in ends)
    return f"from {black} to {white}"


@contextlib.contextmanager
def naming(path):
    """Puts the model's file before a UserError that is not about an option."""
    try:
        yield
    except UserError as error:
        raise error if str(error).startswith("--") else UserError(f"{path}: {error}") from None


def input_shape(model):
    """Shape, without the batch, of the clip or frame that all inputs of a model are fed with.

    UserError: it has several inputs and is no average of members with one each, or its input is of another kind.
    """
    from actioncnn.model import outline

    if len(model.inputs) > 1 and not outline.is_ensemble(model):
        names = ", ".join(sorted(tensor.name for tensor in model.inputs))
        raise UserError(
            f"has {len(model.inputs)} inputs ({names}), such as frames and optical flow; the same clip for all would "
            "be wrong: give a model with one input, or an average of such models"
        )
    shapes = {tuple(tensor.shape[1:]) for tensor in model.inputs}
    shape = next(iter(shapes))
    if len(shapes) > 1 or len(shape) not in (3, 4) or None in shape:
        listed = ", ".join(str(shape).replace("None", "any") for shape in sorted(shapes, key=str))
        raise UserError(f"its input {listed} is not one clip or frame of a fixed size: (H, W, T, C) or (H, W, C)")
    return shape


def _axes(shape, time_axis, odd_axis, assumed):
    """HWTC or THWC: by the layers that run along time, by square frames, by the odd axis, by frames of likely sides.

    UserError: none of these tells.
    """
    if len(shape) == 3:
        return "HWC"
    first, second, third, _ = shape
    square_last, square_first = second == third != first, first == second != third
    last_is_frame, first_is_frame = _is_frame(second, third), _is_frame(first, second)
    if time_axis:
        why = "its layers run along time"
    elif square_first or square_last:
        time_axis, why = 1 if square_last else 3, "frames are square"
    elif odd_axis:
        time_axis, why = odd_axis, "its layers treat one axis otherwise"
    elif first_is_frame != last_is_frame:
        time_axis, why = 1 if last_is_frame else 3, "only so are the frames at most twice as long as wide"
    else:
        raise UserError(
            f"its input {shape} may be (height, width, time, channel) or (time, height, width, channel), and its "
            "layers do not tell which: give --axes HWTC or --axes THWC"
        )
    if time_axis == 1 or not (why == "its layers run along time" or square_first):
        order = "time, height, width" if time_axis == 1 else "height, width, time"
        assumed["axes"] = f"the input {shape} is ({order}, channel), because {why}"
    return "THWC" if time_axis == 1 else "HWTC"


def _is_frame(height, width):
    """Whether a frame may well have these sides: videos are at most twice as wide as high, or as high as wide."""
    return max(height, width) <= 2 * min(height, width)


def _scrambled(of_2017, shape, axes, asked, assumed):
    if shape[-1] != 3 or axes == "THWC":
        if asked:
            raise UserError("--scrambled True: only colour models of the order HWTC were fed so")
        return False
    if asked is None and of_2017:
        assumed["scrambled"] = "BGR and in the order of axes of the 2017 scripts"
    return of_2017 if asked is None else asked
