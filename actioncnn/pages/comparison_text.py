"""A Comparison as text, CSV and JSON."""

import numpy as np

from actioncnn.cli import count
from actioncnn.errors import printable
from actioncnn.pages.comparison import verdicts
from actioncnn.runs.tables import csv_text

COLUMNS = ("run", "top-1 %", "95 % interval", "classes %", "by clips alone", "epochs", "parameters", "time", "script")
SEEDS = "between seeds"  # a column where a setting has several
TOP5 = "top-5 %"  # where there are more than 5 classes


INTERVALS = (
    "95 % intervals hold for other groups of clips and other seeds; "
    "those by clips alone take all clips as independent (Wilson)"
)


def percent(share):
    return "-" if share is None or np.isnan(share) else f"{100 * share:.1f}"


def interval(ends):
    return "-" if np.isnan(ends[0]) else f"{100 * ends[0]:.1f} to {100 * ends[1]:.1f}"


def duration(seconds):
    """A time in its two largest units; "-" where it is not known."""
    if not seconds:
        return "-"
    minutes, hours = seconds / 60, seconds / 3600
    return f"{seconds:.0f} s" if minutes < 2 else f"{minutes:.0f} min" if hours < 2 else f"{hours:.1f} h"


def cells(comparison):
    """(columns, rows) of the table of runs, as text: first how good they are, then what they are."""
    several = any(row["seeds"] > 1 for row in comparison.rows)
    many = any(len(run.classes) > 5 for run in comparison.runs)
    more = [("between_seeds", SEEDS, several), ("top5", TOP5, many)]
    more = [(name, title) for name, title, wanted in more if wanted]
    columns, rows = [*COLUMNS[:3], *(title for _, title in more), *COLUMNS[3:]], []
    for row in comparison.rows:
        parameters = f"{row['parameters']:,}" if row["parameters"] else "-"
        good = [percent(row["top1"]), interval(row["interval"]), *(percent(row[name]) for name, _ in more)]
        good += [percent(row["mean_class_accuracy"]), interval(row["by_clips"])]
        rows.append([row["run"], *good, str(row["epochs"] or "-"), parameters, duration(row["seconds"]), row["script"]])
    return columns, rows


def pair_cells(comparison):
    """(columns, rows) of the table of pairs, as text; differences in points."""
    rows = []
    for pair in comparison.pairs:
        test = pair["mcnemar"]
        counts = [str(test["only_first"]), str(test["only_second"]), f"{test['p']:.2g}"] if test else ["-"] * 3
        difference = [f"{100 * pair['difference']:+.1f}", interval(pair["interval"])]
        rows.append([f"{pair['first']} - {pair['second']}", *difference, *counts])
    return ["difference", "points", "95 % interval", "only first right", "only second right", "McNemar's p"], rows


def aligned(columns, rows):
    """Lines of a table: the first column to the left, numbers to the right."""
    table = [[printable(cell) for cell in row] for row in (columns, *rows)]
    widths = [max(map(len, column)) for column in zip(*table)]
    return [
        "  ".join(
            cell.ljust(width) if not place else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths))
        ).rstrip()
        for row in table
    ]


def on_what(comparison):
    """Which clips runs are compared on, and what chance is there."""
    groups = f" of {count(comparison.groups, 'group')}" if comparison.groups else ""
    return f"{count(comparison.clips, 'test clip')}{groups}, chance {percent(comparison.chance)} %"


def as_text(comparison):
    """What a person reads."""
    lines = [f"{on_what(comparison)}; {INTERVALS}", ""]
    lines += aligned(*cells(comparison))
    if comparison.options:
        names = [row["run"] for row in comparison.rows]
        rows = [[name, *("-" if v is None else str(v) for v in values)] for name, values in comparison.options.items()]
        lines += ["", *aligned(["option", *names], rows)]
    if comparison.pairs:
        columns, rows = pair_cells(comparison)
        lines += ["", *aligned(columns, rows), "", *(f"{line}." for line in verdicts(comparison))]
    if comparison.notes:
        lines += ["", *(f"note: {line}" for line in comparison.notes)]
    return "\n".join(map(printable, lines))


def as_csv(comparison):
    """A row for each setting, shares from 0 to 1; an interval is two columns."""
    rows = [flat(row) for row in comparison.rows]
    return csv_text([rows[0], *(row.values() for row in rows)])


def flat(row):
    parts = {}
    for name, value in row.items():
        ends = {f"{name}_low": value[0], f"{name}_high": value[1]} if isinstance(value, tuple) else {name: value}
        parts |= ends
    return parts


def as_dict(comparison):
    """What a program reads."""
    runs = [
        {"run": run.name, "folder": str(run.folder), "seed": run.options.get("seed"), "top1": float(run.right.mean()),
         "clips": len(run.files), "missing": run.missing}
        for run in comparison.runs
    ]  # fmt: skip
    settings = [
        row | {"of": [run.name for run in setting.runs]} for row, setting in zip(comparison.rows, comparison.settings)
    ]
    same = {
        "clips": comparison.clips,
        "groups": comparison.groups,
        "chance": comparison.chance,
        "runs": runs,
        "settings": settings,
    }
    return same | {"options": comparison.options, "pairs": comparison.pairs, "notes": comparison.notes}
