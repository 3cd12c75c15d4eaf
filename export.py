"""Export a saved model for other programs, and check that the exported one says the same of the run's test clips.

python formats.py --run 3dcnnresult/ --format onnx
python formats.py --model my/model.json --weights my/model.hd5 --format tflite --output exported/
"""

import os
from pathlib import Path

from actioncnn import cli
from actioncnn.errors import UserError

FORMATS = ("savedmodel", "onnx", "tflite", "keras")  # of model/formats.py, which is heavy to import
LIMIT = 1e-5  # of the difference of a probability
BATCH = 16
NOISE = 16  # clips, where there are no test clips


def parse():
    parser = cli.parser(__doc__)
    add = parser.add_argument_group("model").add_argument
    add("--run", type=Path, help="--output of a training run")
    add("--model", "-m", type=Path, help="instead: JSON of a model, or a .keras or full-model .h5 file")
    add("--weights", "-w", type=Path, help="HDF5 of its weights (default: that beside the JSON)")
    add("--classes", type=Path, help="class names, one a line (default: classes.txt beside the model)")
    add = parser.add_argument_group("export").add_argument
    add("--format", required=True, choices=FORMATS, help="tflite is LiteRT's, one clip a call")
    add("--output", type=Path, help="directory for the files; made if missing (default: export in that of the model)")
    add = parser.add_argument_group("check").add_argument
    add("--videos", type=Path, help="directory of the run's videos (default: where they were)")
    add("--workers", type=cli.whole_number(1), help="processes that decode them (default: one per core)")
    args = parser.parse_args()
    if bool(args.run) == bool(args.model) or (args.run and args.weights):
        parser.error("give either --run DIRECTORY or --model FILE [--weights FILE]")
    return args


def test_clips(found, sampling, videos=None, workers=None):
    """The run's test clips as its network takes them, uint8 (N, H, W, [T,] C), or noise; and in words which."""
    import numpy as np

    from actioncnn.runs.tables import csv_rows
    from actioncnn.video import pool

    directory = videos or Path(found.args.get("options", {}).get("videos", ""))
    try:
        paths = [directory / row["file"] for row in csv_rows(found.model.parent / "predictions.csv") if found.args]
    except (OSError, KeyError, TypeError):
        paths = []
    there = {place: path for place, path in enumerate(paths) if path.exists()}
    decoded = cli.bar(iterable=pool.clips(there, sampling, workers), desc="test clips", total=len(there), unit="clip")
    clips = [clip for _, clip in sorted(decoded, key=lambda item: item[0]) if isinstance(clip, np.ndarray)]
    if clips:
        return sampling.pick(np.stack(clips)), f"{len(clips)} test clips"
    shape = (NOISE, sampling.size, sampling.size, sampling.frames, 3 if sampling.color else 1)
    noise = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    why = f"no test clip in {directory}; give --videos" if paths else "no run with test clips"
    return sampling.pick(noise), f"{NOISE} clips of noise ({why})"


def largest_difference(classifier, run, clips):
    """Of a probability, between the classifier and an exported model, over uint8 clips."""
    import numpy as np

    largest = 0.0
    for start in cli.bar(iterable=range(0, len(clips), BATCH), desc="check", unit="batch"):
        batch = clips[start : start + BATCH]
        largest = max(largest, float(np.abs(classifier(batch) - run(classifier.feed(batch))).max()))
    return largest


def main():
    args = parse()
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # a GPU rounds otherwise: by more than what is tolerated here
    from actioncnn import files
    from actioncnn.model import formats
    from actioncnn.model.model import Classifier, find_model
    from actioncnn.runs.find import find
    from actioncnn.runs.tables import write_json

    formats.check_packages(args.format)
    found = find(args.run, args.model, args.weights)
    classifier = Classifier(find_model(args.run, args.model, args.weights, args.classes))
    output = args.output or found.model.parent / "export"
    files.make_output(output)
    path = output / f"{found.model.stem}.{args.format}"
    facts = {"classes": classifier.classes, "sampling": classifier.sampling._asdict()}
    note = formats.export(classifier.model, args.format, path, facts)
    files.write(output / "labels.txt", "".join(f"{name}\n" for name in classifier.classes))
    if note:
        cli.say(f"note: {path.name} {note}")
    clips, which = test_clips(found, classifier.sampling, args.videos, args.workers)
    largest = largest_difference(classifier, formats.opened(args.format, path), clips)
    about = formats.describe(args.format, path, classifier.sampling, classifier.model)
    about["check"] = {"clips": which, "largest_difference": largest}
    write_json(output / f"{path.name}.json", about, indent=2)
    cli.say(f"{path}: the largest difference of a probability is {largest:.1e} on {which}")
    if not largest <= LIMIT:
        raise UserError(f"{path}: differs by more than {LIMIT:g}: do not use it")


if __name__ == "__main__":
    cli.run(main)
