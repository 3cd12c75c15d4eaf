"""Lists of training and test videos, as datasets are published with them or as people write them.

- lines `file` or `file label`, as UCF-101's trainlist01.txt; a number as label is looked up in classInd.txt beside it
- CSV of file, label and maybe group, with any separator, with or without a line of names; Kinetics' CSV
- a folder of UCF-101's lists, or of HMDB-51's <class>_test_split1.txt (1 train, 2 test, 0 neither)
"""

import contextlib
import csv
import os
import re
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from actioncnn.cli import shorten
from actioncnn.data import names
from actioncnn.data.layout import Place
from actioncnn.errors import UserError

NAMED = 10  # missing files that are named
COLUMNS = {  # what a column may be called, the first that there is
    "file": "file path video video_path filename file_name filepath clip_path clip_name clip name youtube_id id",
    "label": "label class class_name classname action category target tag",
    "group": "group subject person actor speaker signer performer participant scene source",
}
SEPARATORS = "\t;|,"
SAMPLE = 64  # lines that the separator is guessed from
HMDB51 = {"0": "", "1": "train", "2": "test"}


class Entry(NamedTuple):
    """A line of a list."""

    file: str
    label: str | None
    group: str | None
    line: int


def read(tree, directory, train_list, test_list, split):
    """The Place of each listed video below a directory, and lines to tell the user.

    tree: (names of folders, their path, file names of the videos) of each folder. split: number of the lists, where
    `train_list` is a folder of several. UserError: what is wrong with a list, its line and what to do.
    """
    if train_list is None:
        raise UserError("--test-list: give --train-list too, what is trained on")
    find, notes = finder(tree), []
    if train_list.is_dir():
        sides = of_folder(train_list, test_list, split)
    else:
        sides = {"train": [(train_list, read_entries(train_list, "--train-list", find))]}
        if test_list:
            sides["test"] = [(test_list, read_entries(test_list, "--test-list", find))]
    places = {}
    for side, parts in sides.items():
        found, missing = find_all(side, parts, find)
        places |= {(side, path): place for path, place in found.items()}
        if missing:
            total = sum(len(listed) for _, listed in parts)
            absent = f"{len(missing)} of {total} files are not in {directory}: {shorten(missing, NAMED)}"
            notes.append(f"{side} list: {absent}")
    if not places:
        if not notes:
            raise UserError(f"--train-list {train_list}: lists no video of training or test; list some")
        raise UserError(f"--train-list {train_list}: {notes[0]}; give the directory of these videos with --videos")
    both = {video for side, video in places if ("train", video) in places and ("test", video) in places}
    if both:
        notes.append(f"left out of training: {len(both)} files that both lists have, such as {min(both)}")
    return [place for (side, video), place in places.items() if side == "test" or video not in both], notes


def find_all(side, parts, find):
    """({path: Place} of the files in one side's lists, missing ones); parts: (path of a list, its entries) of each."""
    places, missing = {}, []
    for path, listed in parts:
        label = labels(path, listed)
        for entry in listed:
            where = f"{path}, line {entry.line}"
            video = find(entry, path.parent, where)
            if video is None:
                missing.append(entry.file)
                continue
            place = Place(video, *label(entry, where), side, "")
            former = places.setdefault(video, place).name
            if former.casefold() != place.name.casefold():
                raise UserError(f"{where}: {entry.file} is {place.name} here and {former} above; leave one out")
    return places, missing


def finder(tree):
    """A function find(entry, folder of the list, where) -> path of the listed video, None if there is none.

    A listed path may begin above or below the directory, differ in case or ending, or be a file's name alone. Of
    several that fit, the one that shares most folders is taken, or whose folder is the label.
    """
    by_name, by_stem = defaultdict(list), defaultdict(list)
    for parts, folder, files in tree:
        for file in files:
            known = (*parts, file), folder / file
            by_name[file.casefold()].append(known)
            by_stem[names.stem(file).casefold()].append(known)

    def find(entry, beside, where=None):
        wanted = [part for part in re.split(r"[/\\]", entry.file) if part not in ("", ".")]
        if not wanted:
            return None
        if os.path.isabs(entry.file) and os.path.exists(entry.file):
            return Path(entry.file)
        last = wanted[-1].casefold()
        found = by_name.get(last) or by_stem.get(last) or by_stem.get(names.stem(last))
        if not found:
            path = beside / entry.file
            return path if os.path.isfile(path) else None  # unlike path.is_file() whatever the name's length
        ranked = sorted(((likeness(parts, wanted, entry.label), path) for parts, path in found), reverse=True)
        if where and len(ranked) > 1 and ranked[0][0] == ranked[1][0]:
            raise UserError(f"{where}: {entry.file} may be {ranked[0][1]} or {ranked[1][1]}; write its folder too")
        return ranked[0][1]

    return find


def likeness(parts, wanted, label):
    """How well the folders of a video fit those of a listed path: a sortable tuple."""
    shared = 0
    for mine, other in zip(parts[-2::-1], wanted[-2::-1], strict=False):
        if mine.casefold() != other.casefold():
            break
        shared += 1
    return shared, label in parts, parts[-1] == wanted[-1], parts[-len(wanted) :] == tuple(wanted)


def labels(path, listed):
    """A function (entry, where) -> its class and group.

    A number is looked up in classInd.txt beside the list; without one it stands for the folder that all its files lie
    in, or else for itself. A file without label has the class that its name tells, or its folder.
    """
    numbered = all(entry.label and entry.label.isdecimal() for entry in listed)
    classes = class_numbers(path.parent / "classInd.txt") if numbered else {}
    folders = defaultdict(set)
    for each in listed if numbered and not classes else ():
        folders[each.label].add(folder_of(each.file))
    if all(len(found) == 1 and None not in found for found in folders.values()):
        classes |= {number: found.pop() for number, found in folders.items()}

    def look_up(entry, where):
        known = names.match(re.split(r"[/\\]", entry.file)[-1])
        group = entry.group or (known.group if known else None)
        if numbered and classes and entry.label not in classes:
            raise UserError(f"{where}: no class {entry.label} in {path.parent / 'classInd.txt'}; correct one of them")
        label = classes.get(entry.label, entry.label) or (known.name if known else folder_of(entry.file))
        if not label:
            raise UserError(f"{where}: {entry.file} has no label; write `file label` in each line")
        return label, group

    return look_up


def folder_of(file):
    return (["", *re.split(r"[/\\]", file)][-2]) or None


def class_numbers(path):
    """{number: class} of lines `1 ApplyEyeMakeup`; none where there is no such file."""
    lines = lines_of(path, "classInd.txt") if path.is_file() else []
    return dict(line.split(None, 1) for _, line in lines if len(line.split(None, 1)) == 2)


def of_folder(folder, test_list, split):
    """{side: [(path, entries)]} of a folder with UCF-101's or HMDB-51's lists of the split."""
    if test_list:
        raise UserError(f"--test-list: leave it out; --train-list {folder} is a folder, of the lists of both sides")
    number = split if split in ("1", "2", "3") else "1"
    lists = {side: folder / f"{side}list0{number}.txt" for side in ("train", "test")}
    if all(path.is_file() for path in lists.values()):
        return {side: [(path, read_entries(path, "--train-list", lambda file: None))] for side, path in lists.items()}
    found = sorted(folder.glob(f"*_test_split{number}.txt"))
    if not found:
        raise UserError(
            f"--train-list {folder}: neither trainlist0{number}.txt and testlist0{number}.txt"
            f" nor <class>_test_split{number}.txt is there; give the folder of UCF-101's or HMDB-51's lists"
        )
    sides = {"train": [], "test": []}
    for path in found:
        name, listed = path.name.removesuffix(f"_test_split{number}.txt"), defaultdict(list)
        for line, text in lines_of(path, "--train-list"):
            file, _, mark = text.strip().rpartition(" ")
            if mark not in HMDB51 or not file:
                raise UserError(f"{path}, line {line}: {text.strip()!r} is not `file 0`, 1 or 2; correct it")
            listed[HMDB51[mark]].append(Entry(file.strip(), name, None, line))
        for side, parts in sides.items():
            parts.append((path, listed[side]))
    return sides


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


def read_entries(path, option, find):
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
