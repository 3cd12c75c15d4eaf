"""Export a saved model for other programs, and check that the exported one says the same of the run's test clips.

python export.py --run 3dcnnresult/ --format onnx
python export.py --model my/model.json --weights my/model.hd5 --format tflite --output exported/
"""

import os
from pathlib import Path

from actioncnn import cli
from actioncnn.errors import UserError
from actioncnn.model import reading

FORMATS = ("savedmodel", "onnx", "tflite", "keras")  # of model/formats.py, which is heavy to import
LIMIT = 1e-5  # of the difference of a probability, or of another output as a share of its largest value
BATCH = 16
MOST = 64  # test clips: more settle nothing
NOISE = 16  # clips, where there are no test clips


def parse():
    parser = cli.parser(__doc__)
    reading.add_model_options(parser)
    add = parser.add_argument_group("export").add_argument
    add("--format", required=True, choices=FORMATS, help="tflite is LiteRT's, one clip a call")
    add("--output", type=Path, help="directory for the files; made if missing (default: export in that of the model)")
    add = parser.add_argument_group("check").add_argument
    add("--videos", type=Path, help="directory of the run's videos (default: where they were)")
    add("--workers", type=cli.whole_number(1), help="processes that decode them (default: one per core)")
    args = parser.parse_args()
    reading.check_options(parser, args)
    return args


def test_clips(files, sampling, videos=None, workers=None):
    """(up to MOST test clips of a run as its network takes them, uint8 (N, H, W, [T,] C), or noise; in words which; how
    many seconds they last, the median, None of noise).

    files: model.ModelFiles. The clips are spread evenly over those that are there.
    """
    import numpy as np

    from actioncnn.data import store
    from actioncnn.runs.tested import clips_of_run

    why = "no run with test clips"
    if files.record:
        try:
            there = clips_of_run(files.model.parent, videos)
            chosen = [there[place] for place in np.linspace(0, len(there) - 1, min(len(there), MOST), dtype=int)]
            clips, failures = store.load_clips(chosen, sampling, files.cache, workers)
            good = [row for row in range(len(clips)) if row not in failures]
            paths = [clip.path for clip in chosen]
            return sampling.pick(clips)[good], cli.count(len(good), "test clip"), seconds_of(paths, sampling)
        except UserError as error:
            why = str(error)
    shape = (NOISE, sampling.height, sampling.width, sampling.frames, 3 if sampling.color else 1)
    noise = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    return sampling.pick(noise), f"{NOISE} clips of noise ({why})", None


def seconds_of(paths, sampling):
    """The median of how long a network looks at videos, in seconds, as their containers tell it; None: they do not."""
    import statistics

    from actioncnn.video import pool

    lengths = pool.lengths(dict(enumerate(paths))).values()
    seconds = [(n if sampling.skip else min(n, sampling.frames)) / rate for rate, n in lengths if rate and n]
    return round(statistics.median(seconds), 3) if seconds else None


def largest_difference(model, run, clips):
    """Between all outputs of a Model and of its exported copy over uint8 clips, in shares of an output's largest value.

    An output that stays below 1, as probabilities do, counts as it is.
    """
    import numpy as np

    pairs = []
    for start in cli.bar(iterable=range(0, len(clips), BATCH), desc="check", unit="batch"):
        pairs.append((model.outputs(clips[start : start + BATCH]), run(model.feed(clips[start : start + BATCH]))))
    largest = 0.0
    for output in range(len(pairs[0][0])):
        own, exported = (np.concatenate([pair[side][output] for pair in pairs]) for side in (0, 1))
        largest = max(largest, float(np.abs(own - exported).max()) / max(1.0, float(np.abs(own).max())))
    return largest


def main():
    args = parse()
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # a GPU rounds otherwise: by more than what is tolerated here
    from actioncnn.files import make_output, write
    from actioncnn.model import formats
    from actioncnn.model.model import open_model
    from actioncnn.runs.find import find_model
    from actioncnn.runs.outputs import check_outputs, files_of
    from actioncnn.runs.tables import write_json

    formats.check_packages(args.format)
    files = find_model(args.run, args.model, args.weights, args.classes, reading.asked_of(args))
    model = open_model(files)
    output = args.output or files.model.parent / "export"
    path = output / f"{files.model.stem}.{args.format}"
    written = path, output / "labels.txt", output / f"{path.name}.json"
    check_outputs([("--output", each) for each in written], files_of(files, args.classes))
    make_output(output)
    note = formats.write_export(model.network, args.format, path, model.facts)
    write(output / "labels.txt", "".join(f"{name}\n" for name in model.classes))
    if note:
        cli.say(f"note: {path.name} {note}")
    clips, which, seconds = test_clips(files, model.sampling, args.videos, args.workers)
    largest = largest_difference(model, formats.open_export(args.format, path), clips)
    about = formats.describe(args.format, path, model)
    about["input"]["seconds"] = seconds  # a window of a long video should last about as long
    about["check"] = {"clips": which, "largest_difference": largest}
    write_json(output / f"{path.name}.json", about, indent=2)
    what = "of a probability" if model.head.gives_probabilities else "of an output, as a share of the largest,"
    cli.say(f"{path}: the largest difference {what} is {largest:.1e} on {which}")
    if not largest <= LIMIT:
        raise UserError(f"{path}: differs by more than {LIMIT:g}: do not use it")


if __name__ == "__main__":
    cli.run(main)
