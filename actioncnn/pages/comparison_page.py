"""A page of several runs: which is better and by how much, their curves, and the classes on which they differ."""

import os
from urllib.parse import quote

import numpy as np

from actioncnn.figures import charts
from actioncnn.pages import comparison_text, page
from actioncnn.pages.comparison import verdicts
from actioncnn.pages.comparison_text import cells, pair_cells, percent
from actioncnn.pages.run_page import NAME, command

MOST_PAIRS = 30  # in a chart
MOST_CLASSES = 40


def write(path, comparison):
    """Writes the page of a Comparison."""
    names = [setting.name for setting in comparison.settings]
    page.write_page(
        path,
        "comparison.html",
        named=True,
        title=f"Comparison of {', '.join(names)}",
        comparison=comparison,
        names=names,
        figures=cells(comparison),
        pairs=pair_cells(comparison),
        verdicts=verdicts(comparison),
        clips=comparison_text.on_what(comparison),
        intervals=comparison_text.INTERVALS,
        forest=forest(comparison.pairs),
        differences=differences(comparison.settings),
        curves=curves(comparison.settings),
        classes=classes(comparison.settings),
        options=[[name, *("-" if v is None else v for v in values)] for name, values in comparison.options.items()],
        commands=[
            ([(run.name, link(run, path)) for run in setting.runs], command(setting.runs[0]))
            for setting in comparison.settings
        ],
    )


def curves(settings):
    """Charts of validation accuracy and training loss: one colour for the seeds, members or parts of a setting."""
    drawn = []
    for title, draw, key in (
        ("Validation accuracy", charts.accuracy, "val_acc"),
        ("Training loss", charts.loss, "loss"),
    ):
        of_all = [
            charts.curve(history, key, setting.name, number)
            for number, setting in enumerate(settings)
            for run in setting.runs
            for history in run.histories.values()
        ]
        drawn.append((draw, title, of_all))
    return page.curve_charts(drawn)


def forest(pairs):
    """A Chart of the differences of the pairs that have an interval, with these."""
    drawn = [pair for pair in pairs if not np.isnan(pair["interval"].low)][:MOST_PAIRS]
    if not drawn:
        return []
    names = [f"{pair['first']} - {pair['second']}" for pair in drawn]
    values = [(pair["difference"], *pair["interval"]) for pair in drawn]
    words = "; ".join(f"{n} {100 * d:+.1f} ({100 * a:.1f} to {100 * b:.1f})" for n, (d, a, b) in zip(names, values))
    return [page.chart(charts.forest, names, values, alt=f"Differences in points with 95 % intervals: {words}")]


def differences(settings):
    """A Chart of the differences by class between two settings, the largest ones."""
    if len(settings) != 2:
        return []
    rows, (first, second) = [], (setting.right.mean(0) for setting in settings)
    for name in np.unique(settings[0].classes):
        of_class = settings[0].classes == name
        rows.append((float((second - first)[of_class].mean()), str(name), int(of_class.sum())))
    rows = sorted(sorted(rows, key=lambda row: -abs(row[0]))[:MOST_CLASSES])
    title = f"{settings[1].name} less {settings[0].name}, points"
    words = "; ".join(f"{name} {100 * value:+.1f} of {clips}" for value, name, clips in rows)
    return [
        page.chart(charts.class_differences, rows, title, alt=f"{title}, by class, with the number of clips: {words}")
    ]


def classes(settings):
    """Rows of a table of accuracy by class, in %: those on which settings differ most come first."""
    rows = []
    for name in np.unique(settings[0].classes):
        of_class = settings[0].classes == name
        shares = [setting.right[:, of_class].mean() for setting in settings]
        rows.append((min(shares) - max(shares), name, of_class.sum(), shares))
    return [(name, str(clips), *map(percent, shares)) for _, name, clips, shares in sorted(rows)]


def link(run, path):
    """The address of a run's own page, from the page at `path`; None where it has none."""
    own = run.folder.absolute() / NAME
    if not own.is_file():
        return None
    relative = os.path.relpath(own, path.absolute().parent).replace(os.sep, "/")
    return quote(relative.encode(errors="surrogateescape"))
