"""A page of several runs: which is better and by how much, their curves, and the classes on which they differ."""

import os
from urllib.parse import quote

import numpy as np

from actioncnn.figures import charts
from actioncnn.pages import page
from actioncnn.pages.comparison import verdicts
from actioncnn.pages.comparison_text import cells, pair_cells, percent
from actioncnn.pages.run_page import NAME, command


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
