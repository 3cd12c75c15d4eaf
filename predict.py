"""Classify video files, or what a camera sees, with a saved model.

python predict.py --run 3dcnnresult/ video.mp4
python predict.py --model my/model.json --weights my/model.hd5 --csv predictions.csv videos/
python predict.py --run 3dcnnresult/ --window 5 --plot timeline.png --annotate annotated.mp4 long.mp4
python predict.py --run 3dcnnresult/ 0
"""

import functools
import sys
from pathlib import Path

from actioncnn import cli

MANY = 20  # videos: more get a progress bar
LIVE = 3.0  # seconds of a camera that a prediction looks at


def parse():
    parser = cli.parser(__doc__)
    add = parser.add_argument
    add("videos", nargs="+", metavar="VIDEO", help="file, directory (with those below), pattern, or number of a camera")
    model = parser.add_argument_group("model")
    model.add_argument("--run", type=Path, help="--output of a training run: its model, classes and arguments are used")
    model.add_argument("--model", "-m", type=Path, help="JSON of a model, or a .keras or full-model .h5 file")
    model.add_argument("--weights", "-w", type=Path, help="HDF5 of its weights (default: that beside the JSON)")
    model.add_argument("--classes", type=Path, help="class names, one a line (default: classes.txt beside the model)")
    out = parser.add_argument_group("output")
    out.add_argument("--top", type=cli.whole(1), default=5, help="number of classes for each video (default: 5)")
    out.add_argument("--csv", type=Path, help="write the predictions to this file instead")
    out.add_argument("--json", action="store_true", help="JSON on standard output, and nothing else there")
    long = parser.add_argument_group("long videos and cameras")
    long.add_argument(
        "--window",
        type=cli.positive,
        help="predict each stretch of so many seconds; best about as long as a training clip",
    )
    long.add_argument("--step", type=cli.positive, help="seconds between the starts of windows (default: half of one)")
    long.add_argument("--plot", type=Path, help="PNG of the probabilities over time (needs --window)")
    long.add_argument("--annotate", type=Path, help="MP4 copy of the video, the best three classes drawn in, no sound")
    parser.add_argument("--workers", type=cli.whole(1), help="processes that decode videos (default: one per core)")
    args = parser.parse_args()
    if bool(args.run) == bool(args.model) or (args.run and args.weights):
        parser.error("give either --run DIRECTORY or --model FILE [--weights FILE]")
    if (args.step or args.plot) and not args.window:
        parser.error(f"--{'step' if args.step else 'plot'} needs --window SECONDS")
    for path in (args.csv, args.plot, args.annotate):
        if path and not path.parent.is_dir():
            parser.error(f"{path}: there is no directory {path.parent}")
    return args


def predict(args, files, paths):
    """Predicts and prints -> ([(path, rows)], [(path, reason)], class names)."""
    from tqdm import tqdm

    from actioncnn import prediction, timeline
    from actioncnn.classifier import Classifier

    model = functools.cache(lambda: Classifier(files))
    sampling = files.sampling or model().sampling  # without args.json the model has to tell, before a video is read
    quiet = len(paths) <= MANY and not args.window
    bar = tqdm(desc="videos", total=len(paths), unit="video", disable=quiet or None)  # None: only on a terminal
    if args.window:
        how = args.window, args.step or args.window / 2, args.workers
        tell = lambda end: bar.set_postfix_str(timeline.clock(end))  # noqa: E731
        found = prediction.windows(paths, sampling, model, *how, tell)
    else:
        found = prediction.whole(paths, sampling, model, args.workers)
    results, failures = [], []
    for path, rows in found:
        bar.update()
        if isinstance(rows, str):
            failures.append((path, rows))
            bar.write(timeline.printable(f"{cli.program()}: {path}: {rows}"), file=sys.stderr)
            continue
        results.append((path, rows))
        if not args.json and not args.csv:
            bar.write(timeline.table(path, rows, model().classes, args.top), file=sys.stdout)
    bar.close()
    return results, failures, model().classes


def main():
    args = parse()
    from actioncnn import classifier, prediction

    files = classifier.find(args.run, args.model, args.weights, args.classes)
    index = prediction.camera(args.videos)
    if index is not None:
        return prediction.watch(index, lambda: classifier.Classifier(files), args.window or LIVE)
    paths = prediction.expand(args.videos)
    if (args.plot or args.annotate) and len(paths) != 1:
        raise cli.UserError(f"--{'plot' if args.plot else 'annotate'} takes one video file, not {len(paths)}")
    results, failures, classes = predict(args, files, paths)
    write(args, results, failures, classes)
    if failures:
        sys.exit(1)


def write(args, results, failures, classes):
    """The JSON, and the files that the options ask for."""
    from actioncnn import timeline

    if args.json:
        print(timeline.as_json(results, failures, classes, args.top))
    if args.csv:
        timeline.save(args.csv, timeline.as_csv(results, classes, args.top))
        print(f"{args.csv}: predictions of {len(results)} videos", file=sys.stderr)
    if args.plot and results:
        timeline.save(args.plot, timeline.plot(*results[0], classes))
    if args.annotate and results:
        from actioncnn.annotate import annotate

        source, rows = results[0]
        annotate(source, args.annotate, rows, classes)


if __name__ == "__main__":
    cli.run(main)
