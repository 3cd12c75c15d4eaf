"""What a classifier says of videos, told: a table, CSV, JSON; the timeline of a long video as a plot."""

import csv
import io
import json

import numpy as np

from actioncnn.cli import UserError
from actioncnn.report import ranking, write_file

CURVES = 6  # classes in a plot


def best(row, classes, top):
    """[(class, probability)] of the `top` most probable classes of a Row."""
    order = ranking(row.probabilities[None])[0][:top]
    return [(classes[label], float(row.probabilities[label])) for label in order]


def table(path, rows, classes, top):
    """Lines for people: the best classes of a video, or its timeline, where a stretch of one class is one line."""
    if rows[0].start is None:
        lines = [
            f"  {share:6.1%}  {name:<28} {'█' * round(20 * share)}".rstrip()
            for name, share in best(rows[0], classes, top)
        ]
    else:
        lines = [
            f"  {clock(start)} - {clock(end)}  {share:6.1%}  {classes[label]}"
            for start, end, label, share in stretches(rows)
        ]
    return printable("\n".join([str(path), *lines]))


def spans(rows):
    """(start, end) of the time that each row speaks for: up to half-way to the next, where windows overlap."""
    middles = [(row.start + row.end) / 2 for row in rows]
    borders = [(a + b) / 2 for a, b in zip(middles, middles[1:], strict=False)]
    return list(zip([rows[0].start, *borders], [*borders, rows[-1].end], strict=True))


def stretches(rows):
    """[(start, end, label, mean probability)] of successive rows with the same most probable class."""
    found = []
    for (start, end), row in zip(spans(rows), rows, strict=True):
        label = int(np.argmax(row.probabilities))
        if found and found[-1][2] == label:
            found[-1][1], found[-1][3] = end, [*found[-1][3], row.probabilities[label]]
        else:
            found.append([start, end, label, [row.probabilities[label]]])
    return [(start, end, label, float(np.mean(shares))) for start, end, label, shares in found]


def clock(seconds):
    """12.34 -> 0:12.3, 7200 -> 2:00:00.0; of equal width up to ten hours"""
    minutes, tenths = divmod(round(seconds * 10), 600)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{text}:{tenths / 10:04.1f}".rjust(9)


def printable(text):
    return text.encode(errors="replace").decode()  # a file name need not be valid text


def as_csv(results, classes, top):
    """CSV with the columns of predictions.csv from `predicted` on; of windows also start and end in seconds."""
    timed = any(row.start is not None for _, rows in results for row in rows)
    header = ["file", *(["start", "end"] if timed else []), "predicted", "confidence"]
    for rank in range(2, min(top, len(classes)) + 1):
        header += [f"predicted_{rank}", f"confidence_{rank}"]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for path, rows in results:
        for row in rows:
            when = [f"{row.start:.3f}", f"{row.end:.3f}"] if timed else []
            named = [cell for name, share in best(row, classes, top) for cell in (name, f"{share:.7g}")]
            writer.writerow([path, *when, *named])
    return text.getvalue()


def as_json(results, failures, classes, top):
    """JSON: a list of {"file", "predictions"}, with windows {"file", "timeline"}, and {"file", "error"}."""
    items = []
    for path, rows in results:
        spoken = [{"start": row.start, "end": row.end, "predictions": _pairs(row, classes, top)} for row in rows]
        one = rows[0].start is None
        items.append({"file": str(path)} | ({"predictions": spoken[0]["predictions"]} if one else {"timeline": spoken}))
    items += [{"file": str(path), "error": reason} for path, reason in failures]
    return json.dumps(items, indent=1)


def _pairs(row, classes, top):
    return [{"class": name, "probability": share} for name, share in best(row, classes, top)]


def save(path, data):
    """Writes text or bytes to a file, whole or not at all; UserError: cannot be written."""
    try:
        write_file(path, data)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror})") from None


def plot(path, rows, classes):
    """PNG file, as bytes: the probabilities of the best classes of a video over time."""
    from actioncnn import pictures

    return pictures.png(curves, rows, classes, printable(path.name))


def curves(rows, classes, title):
    """Figure: probability over time of the classes that are the most probable for longest, at most CURVES of them."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, PercentFormatter

    shares = np.stack([row.probabilities for row in rows])
    times = [(row.start + row.end) / 2 for row in rows]
    wins = np.bincount(shares.argmax(1), minlength=len(classes))
    chosen = sorted(range(len(classes)), key=lambda label: (-wins[label], -shares[:, label].mean()))[:CURVES]
    figure = Figure((12, 4.2))
    axes = figure.add_axes((0.06, 0.14, 0.74, 0.74))
    for place, label in enumerate(chosen):
        style = {"color": colormaps["tab10"](place), "linewidth": 1.8, "marker": "o" if len(rows) < 40 else None}
        axes.plot(times, shares[:, label], label=classes[label], markersize=4, **style)
    axes.set(xlim=(rows[0].start, rows[-1].end), ylim=(0, 1.02), title=title)
    axes.set_xlabel("time")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: clock(value).strip().removesuffix(".0")))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.grid(color="#E6E6E6", linewidth=0.8)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    return figure
