"""What predict.py prints, and the files that its options ask for."""

import functools
import sys

from tqdm import tqdm

from actioncnn import cli, files
from actioncnn.errors import UserError, printable
from actioncnn.model.model import open_model
from actioncnn.predict import pipeline, timeline
from actioncnn.runs.outputs import check_outputs, files_of
from actioncnn.video.pool import Failed
from actioncnn.video.segment import source

MANY = 20  # videos: more get a progress bar
WRITTEN = ("csv", "plot", "annotate", "features")  # options that name a file to be written


def check(args, model_files, paths):
    """UserError: an option would write over what must stay, or takes one video."""
    if (args.plot or args.annotate) and len(paths) != 1:
        raise UserError(f"--{'plot' if args.plot else 'annotate'} takes one video file, not {len(paths)}")
    outputs = [(f"--{option}", path) for option in WRITTEN if (path := getattr(args, option))]
    check_outputs(outputs, [*map(source, paths), *files_of(model_files, args.classes)])


def check_live(args):
    """UserError: an option that only files can have."""
    for option in (*WRITTEN, "json"):
        if getattr(args, option):
            raise UserError(f"--{option} takes video files, not a camera or a stream")


def predict(args, model_files, paths):
    """Predicts and prints -> ([(path, rows)], [(path, Failed)], Model)."""
    model = functools.cache(lambda: open_model(model_files, args.views))
    sampling = model_files.sampling or model().sampling  # without a run the model tells, before a video is read
    sampling = sampling.viewed(args.views)
    quiet = len(paths) <= MANY and not args.window
    bar = tqdm(desc="videos", total=len(paths), unit="video", disable=quiet or None)  # None: only on a terminal
    with_features = bool(args.features)
    if args.window:
        spans = args.window, args.step or args.window / 2, args.workers
        watch = lambda end: bar.set_postfix_str(timeline.clock(end))  # noqa: E731
        answers = pipeline.predict_windows(paths, sampling, model, *spans, watch, with_features)
    else:
        answers = pipeline.predict_videos(paths, sampling, model, args.workers, with_features)
    results, failures = [], []
    for path, rows in answers:
        bar.update()
        if not isinstance(rows, Failed):
            rows = [row._replace(threshold=args.threshold) for row in rows]
            rows = timeline.smoothed(rows, args.smooth) if args.smooth else rows
        (failures if isinstance(rows, Failed) else results).append((path, rows))
        if isinstance(rows, Failed):
            bar.write(printable(f"{cli.program()}: {path}: {rows.reason}"), file=sys.stderr)
        elif not args.json and not args.csv:
            bar.write(timeline.table(path, rows, model().classes, args.top), file=sys.stdout)
    bar.close()
    return results, failures, model()


def write(args, model, results, failures):
    """JSON to standard output, and the files; results: (path, rows), failures: (path, pool.Failed)."""
    classes = model.classes
    if args.json:
        nearest = None
        if args.features and results:
            from actioncnn.predict import features

            nearest = features.nearest(model, args.cache, args.workers)
        print(timeline.as_json(results, failures, classes, args.top, model.assumed, nearest))
    if args.csv:
        files.write(args.csv, timeline.as_csv(results, classes, args.top), named=True)
        print(printable(f"{args.csv}: predictions of {len(results)} videos"), file=sys.stderr)
    if args.features and results:
        from actioncnn.predict.features import as_npz

        files.write(args.features, as_npz(results, classes, model.files), named=True)
    if args.plot and results:
        files.write(args.plot, timeline.plot(*results[0], classes), named=True)
    if args.annotate and results:
        from actioncnn.predict.annotate import annotate_video  # it imports what draws

        source, rows = results[0]
        annotate_video(source, args.annotate, rows, classes)
