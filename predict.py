"""Classify video files, or what a camera sees, with a saved model.

python predict.py --run 3dcnnresult/ video.mp4
python predict.py --model my/model.json --weights my/model.hd5 --csv predictions.csv videos/
python predict.py --run 3dcnnresult/ --window 5 --plot timeline.png --annotate annotated.mp4 long.mp4
python predict.py --run 3dcnnresult/ --videos my_dataset/
python predict.py --run 3dcnnresult/ 0
python predict.py --run 3dcnnresult/ rtsp://camera.example/stream
"""

import argparse
import sys
from pathlib import Path

from actioncnn import cli
from actioncnn.data.options import OF_TESTS, add_test_options, given
from actioncnn.model import reading

NOT_OF_DATASETS = ("window", "step", "smooth", "threshold", "plot", "annotate", "csv", "json", "features")
LIVE = 3.0  # seconds of a camera that a prediction looks at


def probability(text):
    value = cli.number(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def parse():
    parser = cli.parser(__doc__)
    videos = (
        "file, folder of pictures, directory (with those below), pattern, number of a camera or address of a stream"
    )
    parser.add_argument("videos", nargs="*", metavar="VIDEO", help=videos)
    reading.add_model_options(parser)
    add = parser.add_argument_group("output").add_argument
    add("--top", type=cli.whole_number(1), default=5, help="number of classes for each video (default: 5)")
    views = "average over this many sets of frames of each video (default: 1)"
    add("--views", type=cli.whole_number(1), default=1, help=views)
    add(
        "--threshold", type=probability, default=0.0, metavar="P", help="say unsure where no class has this probability"
    )
    add("--csv", type=Path, help="write the predictions to this file instead")
    add("--json", action="store_true", help="JSON on standard output, and nothing else there")
    features = "NPZ of what the last layer before the head makes of each clip; with --json of a run also the nearest "
    add("--features", type=Path, metavar="NPZ", help=features + "training clips")
    add = parser.add_argument_group("long videos and cameras").add_argument
    window = "predict each stretch of so many seconds; best about as long as a training clip"
    add("--window", type=cli.positive, help=window)
    add("--step", type=cli.positive, help="seconds between the starts of windows (default: half of one)")
    smooth = "median of the probabilities over the windows within so many seconds, against flicker (default: none)"
    add("--smooth", type=cli.positive, metavar="SECONDS", help=smooth)
    add("--plot", type=Path, help="PNG of the probabilities over time (needs --window)")
    add("--annotate", type=Path, help="MP4 copy of the video, the best three classes drawn in, no sound")
    dataset_group = parser.add_argument_group("test on a labelled dataset")
    add = dataset_group.add_argument
    dataset = "directory of a dataset as the training scripts take it: accuracy, confusions, all their reports"
    add("--videos", type=Path, dest="dataset", metavar="DATASET", help=dataset)
    add_test_options(dataset_group)
    add("--output", type=Path, help="directory for these (default: evaluation_<name of DATASET>)")
    add("--cache", type=Path, help="directory of the cache of frames (default: the run's, else ~/.cache/actioncnn)")
    workers = "processes that decode videos (default: one per core)"
    parser.add_argument("--workers", type=cli.whole_number(1), help=workers)
    return checked(parser, parser.parse_args())


def checked(parser, args):
    if bool(args.videos) == bool(args.dataset):
        parser.error("give either videos or --videos DATASET")
    of_datasets = ("output", *OF_TESTS) if args.features else ("output", "cache", *OF_TESTS)
    for name in NOT_OF_DATASETS if args.dataset else of_datasets:
        if getattr(args, name):
            option = f"--{name.replace('_', '-')}"
            parser.error(f"{option} does not go with --videos" if args.dataset else f"{option} needs --videos DATASET")
    for name in ("step", "plot", "smooth"):
        if getattr(args, name) and not args.window:
            parser.error(f"--{name} needs --window SECONDS")
    if args.views > 1 and args.features:
        parser.error("--features does not go with --views, whose clips have features of their own")
    reading.check_options(parser, args)
    for path in (args.csv, args.plot, args.annotate, args.features):
        if path and not path.parent.is_dir():
            parser.error(f"{path}: there is no directory {path.parent}")
    return args


def main():
    args = parse()
    from actioncnn.data.index import expand
    from actioncnn.model.model import open_model
    from actioncnn.predict import camera, evaluation, output
    from actioncnn.runs.find import find_model

    files = find_model(args.run, args.model, args.weights, args.classes, reading.asked_of(args))
    if args.dataset:
        where = args.output, args.cache, args.workers, args.views
        sys.exit(evaluation.evaluate(files, args.dataset, given(args), *where))
    source = camera.source(args.videos)
    if source is not None:
        output.check_live(args)
        return camera.watch(source, lambda: open_model(files, args.views), args.window or LIVE, args.threshold)
    paths = expand(args.videos)
    output.check(args, files, paths)
    results, failures, model = output.predict(args, files, paths)
    output.write(args, model, results, failures)
    if failures:
        sys.exit(1)


if __name__ == "__main__":
    cli.run(main)
