"""A page of several runs: which is better and by how much, their curves, and the classes on which they differ."""

import html
import os
from urllib.parse import quote

import numpy as np

from actioncnn.cli import count
from actioncnn.pages import page, svg
from actioncnn.pages.comparison import verdicts
from actioncnn.pages.comparison_text import cells, pair_cells, percent
from actioncnn.pages.run_page import NAME, command
from actioncnn.pages.svg import named, text


def write(path, comparison):
    """Writes the page of a Comparison."""
    names = ", ".join(setting.name for setting in comparison.settings)
    parts = head(comparison), curves(comparison), classes(comparison), options(comparison), commands(comparison, path)
    page.write_page(path, f"Comparison of {names}", parts)


def head(comparison):
    """The table of runs, a sentence for each pair, and what a reader must know."""
    groups = f" of {count(comparison.groups, 'group')}" * bool(comparison.groups)
    clips = f"{count(comparison.clips, 'clip')}{groups} that all of them tested. Intervals hold 95 %: by clips as if"
    how = f"<p>{clips} these were independent (Wilson), by groups as drawn again and again.</p>"
    sentences = "".join(f"<li>{text(line, 1000)}.</li>" for line in verdicts(comparison))
    notes = "".join(map(page.note, comparison.notes))
    pairs = page.table(*pair_cells(comparison)) if comparison.pairs else ""
    tables = page.table(*cells(comparison)) + (f"<ul>{sentences}</ul>{pairs}" if sentences else "")
    return f"<header><h1>Comparison of {len(comparison.runs)} runs</h1>{how}{tables}{notes}</header>"


def curves(comparison):
    """Validation accuracy and training loss by epoch: one color for the seeds, members or parts of a setting."""
    drawn = []
    for title, key in (("Validation accuracy", "val_acc"), ("Training loss", "loss")):
        series = [
            ([row["epoch"] for row in history], [row.get(key, np.nan) for row in history], number)
            for number, setting in enumerate(comparison.settings)
            for run in setting.runs
            for history in run.histories.values()
        ]
        drawn.append(svg.curves(title, series))
    legend = svg.legend([setting.name for setting in comparison.settings])
    return page.section("Curves", f'<div class="charts">{"".join(drawn)}</div>{legend}' if any(drawn) else "")


def classes(comparison):
    """Accuracy by class, in %, where they differ most first."""
    first = comparison.settings[0]
    rows = []
    for name in np.unique(first.classes):
        of_class = first.classes == name
        shares = [setting.right[:, of_class].mean() for setting in comparison.settings]
        rows.append((min(shares) - max(shares), name, of_class.sum(), shares))
    shown = [(name, str(clips), *map(percent, shares)) for _, name, clips, shares in sorted(rows)]
    columns = ["class", "clips", *(setting.name for setting in comparison.settings)]
    return page.section("Accuracy by class, in %", page.table(columns, shown))


def options(comparison):
    columns = ["option", *(setting.name for setting in comparison.settings)]
    rows = [[name, *("-" if v is None else v for v in values)] for name, values in comparison.options.items()]
    return page.section("Options that differ", page.table(columns, rows) if rows else "")


def commands(comparison, path):
    """How each setting is repeated, and the pages of its runs where there are any."""
    items = []
    for setting in comparison.settings:
        names = ", ".join(linked(run, path) for run in setting.runs)
        items.append(f"<h3>{names}</h3><pre>{text(command(setting.runs[0]), 5000)}</pre>")
    return page.section("The commands that repeat them", *items)


def linked(run, path):
    """The name of a run, as a link from the page at `path` to its own."""
    own = run.folder.absolute() / NAME
    if not own.is_file():
        return named(run.name)
    link = quote(os.path.relpath(own, path.absolute().parent).replace(os.sep, "/").encode(errors="surrogateescape"))
    return f'<a href="{html.escape(link)}">{named(run.name)}</a>'
