"""The files that predict.py's options ask for, and the JSON that it prints."""

import sys

from actioncnn import files
from actioncnn.predict import timeline


def write(results, failures, classes, top, json=False, csv=None, plot=None, annotated=None):
    """results: (path, rows), failures: (path, pool.Failed); json: to standard output; the others: paths or None."""
    if json:
        print(timeline.as_json(results, failures, classes, top))
    if csv:
        files.write(csv, timeline.as_csv(results, classes, top))
        print(f"{csv}: predictions of {len(results)} videos", file=sys.stderr)
    if plot and results:
        files.write(plot, timeline.plot(*results[0], classes))
    if annotated and results:
        from actioncnn.predict.annotate import annotate  # it imports what draws

        source, rows = results[0]
        annotate(source, annotated, rows, classes)
