"""Models that leave the number or the size of frames open (None), as configs in which both are as asked."""

from actioncnn.errors import UserError
from actioncnn.model import build, outline

TIME = {"THWC": 1, "HWTC": 3}  # the axis of time, the batch being axis 0
WHAT = {"depth": "number of frames", "size": "size of frames"}


def fill(architecture, asked):
    """A config of a vetted Keras 3 model whose inputs are as long and as large as a reading.Asked says.

    UserError: --depth, --size or --axes is missing, or the model leaves no such thing open.
    """
    config, filled = architecture["config"], set()
    layers = [_filled(layer, architecture, asked, filled) for layer in config["layers"]]
    for what in WHAT:
        if getattr(asked, what) and what not in filled:
            raise UserError(f"--{what}: the model's own {WHAT[what]} is fixed; leave this option out")
    if not filled:
        return architecture
    kept = {key: value for key, value in config.items() if key != "build_input_shape"}
    return architecture | {"config": kept | {"layers": layers}}


def _filled(layer, architecture, asked, filled):
    """An entry of the config; `filled` gets "depth" and "size" where they are put in."""
    shape = layer["config"].get("batch_shape") if layer["class_name"] == "InputLayer" else None
    if not shape or None not in shape[1:-1]:
        return layer
    new = list(shape)
    for axis in (axis for axis in range(1, len(shape) - 1) if shape[axis] is None):
        what = "depth" if len(shape) == 5 and axis == _time_axis(shape, architecture, asked) else "size"
        new[axis] = getattr(asked, what)
        if not new[axis]:
            shown = str(tuple(shape[1:])).replace("None", "any")
            raise UserError(f"its input {shown} leaves the {WHAT[what]} open: give --{what} NUMBER")
        filled.add(what)
    return layer | {"config": layer["config"] | {"batch_shape": new}}


def _time_axis(shape, architecture, asked):
    """The axis of time of (B, ?, ?, ?, C): as asked, else the only open or the only fixed axis, else as layers tell."""
    if asked.axes:
        return TIME[asked.axes]
    is_open = [side is None for side in shape[1:4]]
    alone = is_open.count(True) == 1
    if is_open.count(True) < 3 and is_open[1] != alone:
        return 1 + is_open.index(alone)
    if axis := build.in_outline(architecture, outline.time_axis):
        return axis
    shown = str(tuple(shape[1:])).replace("None", "any")
    raise UserError(f"its input {shown} does not tell which axis is time: give --axes HWTC or --axes THWC")
