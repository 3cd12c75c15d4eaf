"""A Comparison as text, CSV and JSON."""

import numpy as np

from actioncnn.cli import count
from actioncnn.errors import printable
from actioncnn.pages.comparison import verdicts
from actioncnn.runs.tables import csv_text

COLUMNS = ("run", "script", "parameters", "time", "epochs", "top-1 %", "by clips", "by groups", "top-5 %", "classes %")
SEEDS = "between seeds"  # a column where a setting has several


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
    """(columns, rows) of the table of runs, as text."""
    several = any(row["seeds"] > 1 for row in comparison.rows)
    rows = []
    for row in comparison.rows:
        count = f"{row['parameters']:,}" if row["parameters"] else "-"
        start = [row["run"], row["script"], count, duration(row["seconds"]), str(row["epochs"] or "-")]
        shares = [percent(row["top1"]), interval(row["by_clips"]), interval(row["by_groups"]), percent(row["top5"])]
        seeds = [percent(row["between_seeds"])] if several else []
        rows.append([*start, *shares, percent(row["mean_class_accuracy"]), *seeds])
    return [*COLUMNS, *([SEEDS] if several else [])], rows


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
    """Lines of a table: the first two columns to the left, numbers to the right."""
    table = [[printable(cell) for cell in row] for row in (columns, *rows)]
    widths = [max(map(len, column)) for column in zip(*table)]
    return [
        "  ".join(
            cell.ljust(width) if place < 2 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths))
        ).rstrip()
        for row in table
    ]


def as_text(comparison):
    """What a person reads."""
    groups = f" of {count(comparison.groups, 'group')}" * bool(comparison.groups)
    clips = count(comparison.clips, "test clip")
    lines = [f"{clips}{groups}; 95 % intervals by clips (Wilson) and by resampling groups", ""]
    lines += aligned(*cells(comparison))
    if comparison.options:
        names = [row["run"] for row in comparison.rows]
        rows = [[name, *("-" if v is None else str(v) for v in values)] for name, values in comparison.options.items()]
        lines += ["", *aligned(["option", *names], rows)]
    if comparison.pairs:
        columns, rows = pair_cells(comparison)
        lines += ["", *aligned(columns, rows), "", *(f"{line}." for line in verdicts(comparison))]
    lines += [""] * bool(comparison.notes) + [f"note: {line}" for line in comparison.notes]
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
    same = {"clips": comparison.clips, "groups": comparison.groups, "runs": runs, "settings": settings}
    return same | {"options": comparison.options, "pairs": comparison.pairs, "notes": comparison.notes}
