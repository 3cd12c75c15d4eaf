"""Models of other programs: what the scripts can do with each kind, as the table of docs/foreign-models.md.

python benchmarks/foreign_models.py                         # models that Keras 3 writes, and one of Keras 1
pip install --no-deps tf_keras                              # Keras 2; then the same command has its models too
python benchmarks/foreign_models.py --only frames logits    # kinds with one of these words in their names

Each model is small, has random weights, and is built, run and saved by the Keras that is named. Columns:
- files: which of the files that this Keras writes are read; the scripts get the first of them.
- predicted: predict.py classifies a video, and probabilities of clips of noise are within 1e-5 of those that the Keras
  that wrote the model gives for the same clips, prepared as the kind of model needs it.
- drawn, explained: visualize_input.py draws class 0, and explain.py explains a video.
- exported: formats of export.py, which compares the exported model with the original.
"""

import argparse
import contextlib
import importlib.util
import io
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests/model")]

import foreign_models as made  # noqa: E402, the small models of the tests
import numpy as np  # noqa: E402
from foreign_models import COLOUR, SQUARE, bgr_time_first, conv3d, flat, model, unit  # noqa: E402
from helpers import run_script, write_blocks  # noqa: E402
from saved_models import CLIP, cnn3d  # noqa: E402
from test_legacy import keras1_cnn3d, old_weights, write  # noqa: E402, files as Keras 1 wrote them

from actioncnn.errors import UserError, one_line  # noqa: E402

LIMIT = 1e-5  # of the difference of a probability
BLIND = 10 * LIMIT  # probabilities must differ between clips by more, or the comparison would show nothing
FORMATS = ("savedmodel", "onnx", "tflite", "keras")
FRAMES = SQUARE[:, :, :, 0]
JSON = "JSON with weights"
FILES = {".keras": ".keras", ".h5": ".h5", JSON: ".json"}
ASKED = {"number of frames left open": {"depth": 5}, "size left open": {"size": 12}}  # options of all scripts


def functional(shape, function, count=4):
    """A functional model: what `function` makes of an input, and a dense layer with a softmax."""
    start = made.keras.Input(shape)
    x = made.layers.Flatten()(function(start))
    return made.keras.Model(start, made.layers.Dense(count, activation="softmax")(x))


def of_frames(*steps, shape=(12, 12, 3), **options):
    return model(shape, *steps, **options)


def recurrent(*steps):
    return model(COLOUR, *flat([made.layers.Conv2D(2, 3), made.layers.Flatten()]), *steps)


def attention(x):
    x = made.layers.TimeDistributed(made.layers.Flatten())(x)
    return made.layers.MultiHeadAttention(2, 4)(x, x)


def members():
    start = made.keras.Input(COLOUR)
    return made.keras.Model(start, made.layers.Average()([conv3d(COLOUR)(start) for _ in range(2)]))


def two_streams():
    start = [made.keras.Input(COLOUR, name=name) for name in ("frames", "flow")]
    x = made.layers.Concatenate()([made.layers.Flatten()(each) for each in start])
    return made.keras.Model(start, made.layers.Dense(4, activation="softmax")(x))


def heads(collect):
    start = made.keras.Input(COLOUR)
    x = made.layers.Flatten()(start)
    noun, verb = (made.layers.Dense(count, "softmax", name=name)(x) for name, count in (("noun", 4), ("verb", 4)))
    return made.keras.Model(start, collect(verb=verb, noun=noun))


def normalized(**options):
    return conv3d(COLOUR, [made.layers.BatchNormalization(**options)])


def half_precision():
    made.keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        return conv3d(COLOUR)
    finally:
        made.keras.mixed_precision.set_global_policy("float32")


def more_kinds():
    """{name: (builder, clips, what prepares them)}, besides those of the tests."""
    clips, frames = (SQUARE, bgr_time_first), (FRAMES, unit)
    layer = made.layers
    return {
        "convolution in 2D + 1D": (lambda: model(
            COLOUR, layer.Conv3D(3, (1, 3, 3)), layer.BatchNormalization(), layer.Conv3D(3, (3, 1, 1)),
        ), *clips),
        "recurrent, GRU": (lambda: recurrent(layer.GRU(4)), *clips),
        "recurrent, both directions": (lambda: recurrent(layer.Bidirectional(layer.LSTM(4))), *clips),
        "recurrent, RNN of cells": (
            lambda: recurrent(layer.RNN([layer.LSTMCell(4), layer.GRUCell(3)])), *clips,
        ),
        "attention, MultiHeadAttention": (lambda: functional(COLOUR, attention), *clips),
        "average of members": (members, *clips),
        "two inputs of two streams": (two_streams, *clips),
        "two outputs, list": (lambda: heads(lambda **ends: [*ends.values()]), *clips),
        "two outputs, dictionary": (lambda: heads(dict), *clips),
        "operation x / 255": (lambda: functional((12, 12, 3), lambda x: x / 255.0), FRAMES, np.float32),
        "operation x[:, -1]": (lambda: functional(
            COLOUR, lambda x: layer.TimeDistributed(layer.Flatten())(x)[:, -1],
        ), *clips),
        "batch normalization": (normalized, *clips),
        "batch normalization without scale": (lambda: normalized(scale=False), *clips),
        "depthwise and separable convolution": (
            lambda: of_frames(layer.DepthwiseConv2D(3), layer.SeparableConv2D(4, 3)), *frames,
        ),
        "skip connection": (lambda: functional(
            (12, 12, 3), lambda x: layer.Add()([x, layer.Conv2D(3, 3, padding="same")(x)]),
        ), *frames),
        "nested model": (
            lambda: model(COLOUR, made.keras.Sequential([made.keras.Input(COLOUR), layer.Conv3D(2, 3)])), *clips,
        ),
        "augmentation layers": (lambda: of_frames(
            layer.RandomFlip(), layer.RandomRotation(0.1), layer.RandomZoom(0.1), layer.Conv2D(3, 3),
        ), *frames),
        "ActivityRegularization": (lambda: of_frames(layer.ActivityRegularization(0.1), layer.Conv2D(3, 3)), *frames),
        "SpectralNormalization": (lambda: of_frames(layer.SpectralNormalization(layer.Conv2D(3, 3))), *frames),
        "EinsumDense": (lambda: of_frames(layer.EinsumDense("bhwc,cd->bhwd", (12, 12, 5))), *frames),
        "mixed precision": (half_precision, *clips),
        "number of frames left open": (lambda: model((None, 12, 12, 3), layer.ConvLSTM2D(2, 3)), *clips),
        "size left open": (lambda: made.keras.Sequential([
            made.keras.Input((None, None, 3)), layer.Conv2D(3, 3), layer.GlobalMaxPooling2D(),
            layer.Dense(4, activation="softmax"),
        ]), *frames),
        "channels first": (lambda: model(
            (3, 12, 12), layer.ZeroPadding2D(1, "channels_first"), layer.Permute((2, 3, 1)), layer.Conv2D(3, 3),
        ), FRAMES, lambda clips: unit(clips).transpose(0, 3, 1, 2)),
        "Lambda": (lambda: of_frames(layer.Lambda(lambda x: x / 255)), *frames),
    }  # fmt: skip


def kinds():
    """{name: (builder, clips, what prepares them, probabilities of an output)} of the Keras that `made` holds."""
    tests = {name: (*each[:3], np.asarray) for name, each in made.KINDS.items()}
    outputs = {
        f"output: {name}": (lambda options=options: conv3d(COLOUR, **options), SQUARE, bgr_time_first, probabilities)
        for name, (options, probabilities) in made.OUTPUTS.items()
    }
    outputs["output: one number"] = lambda: conv3d(COLOUR, count=1, last="tanh"), SQUARE, bgr_time_first, np.asarray
    return tests | outputs | {name: (*each, np.asarray) for name, each in more_kinds().items()}


def expected(network, prepared):
    """What the Keras of `network` gives for prepared clips, in the first of its outputs (of a dictionary by name)."""
    output = network([prepared] * len(network.inputs) if len(network.inputs) > 1 else prepared, training=False)
    output = [output[name] for name in sorted(output)] if isinstance(output, dict) else output
    return np.asarray(output[0] if isinstance(output, list) else output, np.float32)


def save(network, folder, count):
    """Writes a model as each kind of file that its Keras has, and names of `count` classes -> {kind of file: path}."""
    paths = {name: folder / name / f"m{ending}" for name, ending in FILES.items()}
    for path in paths.values():
        path.parent.mkdir()
        (path.parent / "classes.txt").write_text("".join(f"class {label}\n" for label in range(count)))
        if path.suffix == ".json":
            path.write_text(network.to_json())
            network.save_weights(path.with_suffix(".weights.h5"))
        else:
            network.save(path)
    return paths


def attempt(script, *options):
    """Runs a script -> the line that it failed with, "" where it did not fail."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            code = run_script(script, *options)
        except Exception as error:  # which would be a traceback
            return f"crashes: {type(error).__name__}: {one_line(error)}"
    return said.getvalue().strip().splitlines()[-1] if code else ""


def difference(path, clips, probabilities, asked):
    """(largest difference of a probability from plain Keras, "") of a model's file, or (None, why it is not read).

    asked: {option: value} for reading the model.
    """
    assert np.ptp(probabilities, axis=0).max() > BLIND, (
        f"{path}: the clips of noise do not tell a wrong feed from a right one"
    )
    with contextlib.redirect_stderr(io.StringIO()):
        try:
            return float(np.abs(made.classifier(path, **asked)(clips) - probabilities).max()), ""
        except UserError as error:
            return None, str(error).removeprefix(f"{path}: ")


def measure(paths, clips, probabilities, last, folder, asked):
    """(cells of a row, largest difference, why something is missing) of a model in files that should be the same."""
    options = [word for name, value in asked.items() for word in (f"--{name}", value)]
    results = {name: difference(path, clips, probabilities, asked) for name, path in paths.items()}
    differences = {name: largest for name, (largest, _) in results.items() if largest is not None}
    refusals = [(name, why) for name, (_, why) in results.items() if why]
    if not differences:
        return ["no"] * 5, 0, refusals
    model, video, largest = paths[next(iter(differences))], folder / "video.avi", max(differences.values())
    write_blocks(video)
    tries = {
        "predict.py": attempt("predict.py", "--model", model, *options, video),
        "visualize_input.py": attempt(
            "visualize_input.py", "-m", model, *options, "-n", last, "-i", 0, "--iter", 3, "--output", folder / "drawn"
        ),
        "explain.py": attempt("explain.py", "--model", model, *options, video, "--output", folder / "explained"),
    }
    for kind in FORMATS:
        tries[kind] = attempt(
            "export.py", "--model", model, *options, "--format", kind, "--output", folder / "exported"
        )
    exported = [kind for kind in FORMATS if not tries[kind]]
    cells = ["all" if len(differences) == len(paths) else ", ".join(differences)]
    cells += ["no" if tries[script] else "yes" for script in ("predict.py", "visualize_input.py", "explain.py")]
    cells += ["all" if len(exported) == len(FORMATS) else ", ".join(exported) or "no"]
    if largest > LIMIT:
        cells[1] = f"differs by {largest:.1g}"
    return cells, largest, refusals + [(name, why.removeprefix(f"{model}: ")) for name, why in tries.items() if why]


def keras_1(folder):
    """(files, clips, probabilities, last layer) of a 3D CNN that Keras 1 wrote."""
    made.keras.utils.set_random_seed(1)
    network = cnn3d()
    path = write(folder / "m.json", "Sequential", keras1_cnn3d())
    old_weights(folder / "m.h5", [(layer.name, layer) for layer in network.layers], "1.2.0")
    clips = np.random.default_rng(0).integers(0, 256, (3, *CLIP), np.uint8)
    return {JSON: path}, clips, expected(network, unit(clips)), network.layers[-1].name


def generations():
    """{name: its module} of the versions of Keras that are installed."""
    import keras

    modules = {"Keras 3": keras}
    if importlib.util.find_spec("tf_keras"):
        modules["Keras 2"] = importlib.import_module("tf_keras")
    return modules


def rows(only):
    """Yields (kind, version of Keras, cells, largest difference, why something is missing)."""
    own = made.keras
    for version, keras in generations().items():
        made.keras, made.layers = keras, keras.layers
        chosen = kinds()
        for name, (build, clips, prepare, probabilities) in chosen.items():
            if not any(word in name for word in only):
                continue
            with tempfile.TemporaryDirectory() as folder:
                try:
                    network = build()
                    wanted = probabilities(expected(network, prepare(clips)))
                except Exception as error:  # tf_keras cannot build all of its own layers beside Keras 3
                    print(f"{version} cannot build {name}: {one_line(error)}", file=sys.stderr)
                    continue
                files = save(network, Path(folder), wanted.shape[1])
                last, asked = network.layers[-1].name, ASKED.get(name, {})
                yield name, version, *measure(files, clips, wanted, last, Path(folder), asked)
            own.backend.clear_session()
    made.keras, made.layers = own, own.layers
    if any(word in "3D CNN of 2017" for word in only):
        with tempfile.TemporaryDirectory() as folder:
            yield "3D CNN of 2017", "Keras 1", *measure(*keras_1(Path(folder)), Path(folder), {})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only", nargs="+", default=[""], metavar="WORD", help="kinds whose names have one of these words"
    )
    table, reasons, largest = {}, {}, 0
    for name, version, cells, different, why in rows(parser.parse_args().only):
        print(name, version, cells, f"{different:.1e}", file=sys.stderr, flush=True)
        table.setdefault((name, *cells), []).append(version)
        largest = max(largest, different if different <= LIMIT else 0)
        for place, line in why:
            reasons.setdefault((name, line), {}).setdefault(version, []).append(place)
    print("| kind | written by | files | predicted | drawn | explained | exported |", "|" + "---|" * 7, sep="\n")
    for (name, *cells), versions in sorted(table.items(), key=lambda row: row[0][0]):
        print("|", " | ".join([name, " and ".join(versions), *cells]), "|")
    print(f"\nLargest difference of a probability, where it is within {LIMIT:g}: {largest:.1e}\n")
    for (name, line), versions in sorted(reasons.items(), key=lambda reason: reason[0]):
        where = [
            version if len(places) == len(FILES) else f"{version}, {' and '.join(places)}"
            for version, places in versions.items()
        ]
        print(f"- {name} ({'; '.join(where)}): {line}")


if __name__ == "__main__":
    main()
