"""What a classifier says of videos, told: a table, CSV, JSON; the timeline of a long video as a plot."""

import json
from typing import NamedTuple

import numpy as np

from actioncnn.errors import printable
from actioncnn.runs.tables import UNSURE, best_classes, predictions_csv

CURVES = 6  # classes in a plot at least, if so many have a share; all that win a window are there
ROWS = 18  # names in a column of the legend
LEAST = 0.05  # probability that a class must reach to have a curve


class Row(NamedTuple):
    """What the classifier says of a span of a video."""

    start: float | None  # seconds; None: of the whole video
    end: float | None
    probabilities: np.ndarray  # (classes,)
    features: np.ndarray | None = None  # (units,), where they are asked for
    threshold: float = 0.0  # below it no class is named

    def best(self, classes, top):
        """[(class, probability)] as tables.best_classes has it."""
        return best_classes(self.probabilities, classes, top, self.threshold)


def smoothed(rows, seconds):
    """Rows of windows whose probabilities are the medians over the windows within `seconds` around each, of sum 1."""
    middles = np.array([(row.start + row.end) / 2 for row in rows])
    shares, means = np.stack([row.probabilities for row in rows]), []
    for middle in middles:
        median = np.median(shares[np.abs(middles - middle) <= seconds / 2 + 1e-6], axis=0)
        means.append(median / median.sum() if median.sum() else shares[len(means)])
    return [row._replace(probabilities=mean) for row, mean in zip(rows, means)]


def amount(share, classes, digits=1):
    """A probability as text; what a model without classes gives, a number, as it is."""
    return f"{share:{digits + 5}.{digits}%}" if len(classes) > 1 else f"{share:.4g}"


def table(path, rows, classes, top):
    """Lines for people: the best classes of a video, or its timeline, where a stretch of one class is one line."""
    if rows[0].start is None:
        longest = 20 if len(classes) > 1 else 0  # letters of a bar; a number has none
        best = rows[0].best(classes, top)
        lines = [
            f"  {amount(share, classes)}  {name:<28} {'█' * round(longest * share)}".rstrip() for name, share in best
        ]
    else:
        lines = [
            f"  {clock(start)} - {clock(end)}  {amount(share, classes)}  {name}"
            for start, end, name, share in stretches(rows, classes)
        ]
    return "\n".join(map(printable, [path, *lines]))


def spans(rows):
    """(start, end) of the time that each row speaks for: up to half-way to the next, where windows overlap."""
    middles = [(row.start + row.end) / 2 for row in rows]
    borders = [(a + b) / 2 for a, b in zip(middles, middles[1:], strict=False)]
    return list(zip([rows[0].start, *borders], [*borders, rows[-1].end], strict=True))


def stretches(rows, classes):
    """[(start, end, class, mean probability)] of successive rows with the same most probable class."""
    runs = []
    for (start, end), row in zip(spans(rows), rows, strict=True):
        name, share = row.best(classes, 1)[0]
        if not runs or runs[-1][2] != name:
            runs.append([start, end, name, []])
        runs[-1][1] = end
        runs[-1][3].append(share)
    return [(start, end, name, float(np.mean(shares))) for start, end, name, shares in runs]


def clock(seconds, digits=1):
    """12.34 -> 0:12.3, 7200 -> 2:00:00.0; of equal width up to ten hours; digits: of a second."""
    minutes, parts = divmod(round(seconds * 10**digits), 60 * 10**digits)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    width = 3 + digits if digits else 2
    return f"{text}:{parts / 10**digits:0{width}.{digits}f}".rjust(9)


def as_csv(results, classes, top):
    """CSV with the columns of predictions.csv from `predicted` on; of windows also start and end in seconds."""
    timed = any(row.start is not None for _, rows in results for row in rows)
    lines = [
        ([path, *([f"{row.start:.3f}", f"{row.end:.3f}"] if timed else [])], row.probabilities)
        for path, rows in results
        for row in rows
    ]
    threshold = results[0][1][0].threshold if results else 0.0
    columns = ["file", *(["start", "end"] if timed else [])]
    return predictions_csv(columns, lines, classes, top, threshold=threshold)


def as_json(results, failures, classes, top, assumed=None, nearest=None):
    """JSON: a list of {"file", "predictions"}, with windows {"file", "timeline"}, and {"file", "error"}.

    assumed: what was assumed of the model, to be told of each file. nearest: a function of path and Row that gives the
    nearest training clips, [{"file", ...}].
    """

    def told(path, row):
        best = row.best(classes, top)
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
    """Figure of probabilities over time: all classes that are the best in some window, and the closest others."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, PercentFormatter

    from actioncnn.figures.charts import line_style
    from actioncnn.figures.text import GRAY, LIGHT, distinct, shown

    shares = np.stack([row.probabilities for row in rows])
    times = [(row.start + row.end) / 2 for row in rows]
    wins = np.bincount(shares.argmax(1), minlength=len(classes))
    order = sorted(range(len(classes)), key=lambda label: (-wins[label], -shares[:, label].mean()))
    chosen = [
        label for place, label in enumerate(order) if wins[label] or (place < CURVES and shares[:, label].max() > LEAST)
    ]
    columns = -(-len(chosen) // ROWS)
    width = 9.6 + 2.5 * columns
    figure = Figure((width, 4.2))
    axes = figure.add_axes((0.7 / width, 0.14, 8.8 / width, 0.74))
    style = {"linewidth": 1.8, "marker": "o" if len(rows) < 40 else None, "markersize": 4}
    lines = [axes.plot(times, shares[:, label], **line_style(place), **style)[0] for place, label in enumerate(chosen)]
    if rows[0].threshold:
        axes.axhline(rows[0].threshold, color=GRAY, linewidth=1, linestyle=(0, (4, 3)))
        place = {"ha": "right", "va": "bottom", "transform": axes.get_yaxis_transform()}
        axes.text(1, rows[0].threshold, f"{UNSURE} below", size=8, color=GRAY, **place)
    axes.set(xlim=(rows[0].start, rows[-1].end), ylim=(0, 1.02), title=shown(title, 100))
    axes.set_xlabel("time")
    step = np.diff(axes.get_xticks())[0]
    digits = next(n for n in range(3) if n == 2 or abs(step * 10**n % 1 - 0.5) > 0.499)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: clock(value, digits).strip()))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.grid(color=LIGHT, linewidth=0.8)
    names = distinct([classes[label] for label in chosen])
    axes.legend(lines, names, loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, ncols=columns, fontsize=9)
    return figure
