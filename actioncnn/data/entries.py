"""A file that lists videos -> its entries: CSV, or lines `file` or `file label`."""

import contextlib
import csv
import re
from typing import NamedTuple

from actioncnn.data import names
from actioncnn.errors import UserError

COLUMNS = {  # what a column may be called, the first that there is
    "file": "file path video video_path filename file_name filepath clip_path clip_name clip name youtube_id id",
    "label": "label class class_name classname action category target tag",
    "group": "group subject person actor speaker signer performer participant scene source",
}
SEPARATORS = "\t;|,"
SAMPLE = 64  # lines that the separator is guessed from


class Entry(NamedTuple):
    """A line of a list."""

    file: str
    label: str | None
    group: str | None
    line: int


def lines_of(path, option):
    """(number, text) of the lines of a list that are not empty."""
    try:
        text = path.read_text(encoding="utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise UserError(f"{option} {path}: {error.strerror}; give a list of videos") from None
    found = [(number, line.strip("\r")) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not found or "\0" in text:
        raise UserError(f"{option} {path}: {'is no text' if found else 'is empty'}; give a list of videos, one a line")
    return found


def entries(path, option, find):
    """The Entry of each line of a list. UserError: a line has fewer or more columns than the others."""
    lines = lines_of(path, option)
    separator = separator_of([line for _, line in lines[:SAMPLE]])
    if separator:
        rows = [next(csv.reader([line], delimiter=separator, skipinitialspace=True)) for _, line in lines]
    else:
        rows = [words(line, lambda file: find(Entry(file, None, None, 0), path.parent)) for _, line in lines]
    numbers = [number for number, _ in lines]
    for number, row in zip(numbers, rows, strict=True):
        if len(row) != len(rows[0]) or not all(cell.strip() for cell in row[:2]):
            some = f"{len(row)} columns, not {len(rows[0])}" if len(row) != len(rows[0]) else "an empty column"
            raise UserError(f"{path}, line {number}: {some}; write file, label and maybe group in each line")
    header, first = columns(rows[0])
    if not first and len(rows[0]) > 3:
        raise UserError(f"{path}: {len(rows[0])} columns without names; write file, label and maybe group in each line")
    if len(rows) == first:
        raise UserError(f"{option} {path}: has the names of its columns alone; list videos below them, one a line")
    return [entry(header, row, number) for number, row in zip(numbers[first:], rows[first:], strict=True)]


def separator_of(lines):
    """The separator of the columns of a CSV's first lines, None if it is none; a few lines may be wrong."""
    with contextlib.suppress(csv.Error):
        guessed = csv.Sniffer().sniff("\n".join(lines), SEPARATORS).delimiter
        if guessed in SEPARATORS and all(guessed in line for line in lines):
            return guessed
    return next((mark for mark in SEPARATORS if sum(mark in line for line in lines) * 2 >= len(lines)), None)


def words(line, find):
    """[file] or [file, label] of a line without separators; either may have spaces."""
    line = line.strip()
    if ending := re.search(rf"{names.ENDING.pattern.rstrip('$')}(?=\s)", line, re.IGNORECASE):
        return [line[: ending.end()], line[ending.end() :].strip()]
    if names.is_video(line) or " " not in line or find(line):
        return [line]
    return line.rsplit(None, 1)


def columns(row):
    """({column: its place}, how many rows the names take): by a first row of names, else in the order of COLUMNS."""
    cells = [cell.strip().casefold() for cell in row]
    found = {}
    for column, called in COLUMNS.items():
        place = next((cells.index(name) for name in called.split() if name in cells), None)
        if place is not None:
            found[column] = place
    if "file" not in found or any(map(names.is_video, cells)):
        return dict(zip(COLUMNS, range(len(row)), strict=False)), 0
    if {"time_start", "time_end"} <= set(cells):
        found |= {name: cells.index(name) for name in ("time_start", "time_end")}
    return found, 1


def entry(header, row, line):
    cells = {column: row[place].strip() for column, place in header.items()}
    file = cells["file"]
    if "time_start" in cells:  # Kinetics: the clips are named after the film and its first and last second
        file = "_".join([file, *(cells[time].split(".")[0].zfill(6) for time in ("time_start", "time_end"))])
    return Entry(file, cells.get("label"), cells.get("group") or None, line)
