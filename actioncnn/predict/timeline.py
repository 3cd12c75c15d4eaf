"""What a classifier says of videos, told: a table, CSV, JSON; the timeline of a long video as a plot."""

import json
from typing import NamedTuple

import numpy as np

from actioncnn.errors import printable
from actioncnn.runs.tables import best_classes, predictions_csv

CURVES = 6  # classes in a plot


class Row(NamedTuple):
    """What the classifier says of a span of a video."""

    start: float | None  # seconds; None: of the whole video
    end: float | None
    probabilities: np.ndarray  # (classes,)
    features: np.ndarray | None = None  # (units,), where they are asked for


def table(path, rows, classes, top):
    """Lines for people: the best classes of a video, or its timeline, where a stretch of one class is one line."""
    if rows[0].start is None:
        best = best_classes(rows[0].probabilities, classes, top)
        lines = [f"  {share:6.1%}  {name:<28} {'█' * round(20 * share)}".rstrip() for name, share in best]
    else:
        lines = [
            f"  {clock(start)} - {clock(end)}  {share:6.1%}  {classes[label]}"
            for start, end, label, share in stretches(rows)
        ]
    return "\n".join(map(printable, [path, *lines]))


def spans(rows):
    """(start, end) of the time that each row speaks for: up to half-way to the next, where windows overlap."""
    middles = [(row.start + row.end) / 2 for row in rows]
    borders = [(a + b) / 2 for a, b in zip(middles, middles[1:], strict=False)]
    return list(zip([rows[0].start, *borders], [*borders, rows[-1].end], strict=True))


def stretches(rows):
    """[(start, end, label, mean probability)] of successive rows with the same most probable class."""
    runs = []
    for (start, end), row in zip(spans(rows), rows, strict=True):
        label = int(np.argmax(row.probabilities))
        if not runs or runs[-1][2] != label:
            runs.append([start, end, label, []])
        runs[-1][1] = end
        runs[-1][3].append(row.probabilities[label])
    return [(start, end, label, float(np.mean(shares))) for start, end, label, shares in runs]


def clock(seconds):
    """12.34 -> 0:12.3, 7200 -> 2:00:00.0; of equal width up to ten hours"""
    minutes, tenths = divmod(round(seconds * 10), 600)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{text}:{tenths / 10:04.1f}".rjust(9)


def as_csv(results, classes, top):
    """CSV with the columns of predictions.csv from `predicted` on; of windows also start and end in seconds."""
    timed = any(row.start is not None for _, rows in results for row in rows)
    lines = [
        ([path, *([f"{row.start:.3f}", f"{row.end:.3f}"] if timed else [])], row.probabilities)
        for path, rows in results
        for row in rows
    ]
    return predictions_csv(["file", *(["start", "end"] if timed else [])], lines, classes, top)


def as_json(results, failures, classes, top, assumed=None, nearest=None):
    """JSON: a list of {"file", "predictions"}, with windows {"file", "timeline"}, and {"file", "error"}.

    assumed: what was assumed of the model, to be told of each file. nearest: a function of path and Row that gives the
    nearest training clips, [{"file", ...}].
    """

    def told(path, row):
        best = best_classes(row.probabilities, classes, top)
        answer = {"predictions": [{"class": name, "probability": share} for name, share in best]}
        return answer | ({"nearest": nearest(path, row)} if nearest else {})

    items, more = [], {"assumed": assumed} if assumed else {}
    for path, rows in results:
        spans = [{"start": row.start, "end": row.end} | told(path, row) for row in rows]
        whole = told(path, rows[0]) if rows[0].start is None else {"timeline": spans}
        items.append({"file": str(path)} | whole | more)
    items += [{"file": str(path), "error": failed.reason} for path, failed in failures]
    return json.dumps(items, indent=1)


def plot(path, rows, classes):
    """PNG file, as bytes: the probabilities of the best classes of a video over time."""
    from actioncnn.figures import charts

    return charts.png(curves, rows, classes, path.name)


def curves(rows, classes, title):
    """Figure: probability over time of the classes that are the most probable for longest, at most CURVES of them."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, PercentFormatter

    from actioncnn.figures.text import LIGHT, shown

    shares = np.stack([row.probabilities for row in rows])
    times = [(row.start + row.end) / 2 for row in rows]
    wins = np.bincount(shares.argmax(1), minlength=len(classes))
    chosen = sorted(range(len(classes)), key=lambda label: (-wins[label], -shares[:, label].mean()))[:CURVES]
    figure = Figure((12, 4.2))
    axes = figure.add_axes((0.06, 0.14, 0.74, 0.74))
    style = {"linewidth": 1.8, "marker": "o" if len(rows) < 40 else None, "markersize": 4}
    lines = [
        axes.plot(times, shares[:, label], color=colormaps["tab10"](place), **style)[0]
        for place, label in enumerate(chosen)
    ]
    axes.set(xlim=(rows[0].start, rows[-1].end), ylim=(0, 1.02), title=shown(title, 100))
    axes.set_xlabel("time")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: clock(value).strip().removesuffix(".0")))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.grid(color=LIGHT, linewidth=0.8)
    names = [shown(classes[label]) for label in chosen]
    axes.legend(lines, names, loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    return figure
