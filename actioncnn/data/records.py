"""The file of a list -> its rows, whatever its form: CSV with any separator, JSON, or `file label` in each line."""

import contextlib
import csv
import io
import json
import re
from typing import NamedTuple

from actioncnn import files
from actioncnn.data import names
from actioncnn.data.folder_words import side_of
from actioncnn.errors import UserError

COLUMNS = {  # what a column may be called, in any case and with any marks between the words; the first goes before
    "file": "file, path, file path, video, video file, video path, video name, clip, clip file, clip path, clip name, "
    "file name, vid name, video id, clip id, vid id, vid, youtube id, yt id, name, id, uid, key",
    "label": "template, label, class, class name, action, activity, verb, category, target, tag, gloss, sign, word, "
    "gesture, emotion, exercise, label name, action name, class label, action label, labels, class id, label id, "
    "action id, class index, label index",
    "group": "group, subject, person, actor, speaker, signer, performer, participant, patient, scene, source, "
    "original, group id, subject id, person id, actor id, speaker id, signer id, performer id, participant id, "
    "patient id",
    "side": "split, subset, partition, usage, set, phase",
    "start": "start, begin, onset",
    "end": "end, stop, offset",
    "from": "start time, time start, start sec, start seconds, start s, begin time, start timestamp, begin timestamp",
    "to": "end time, time end, end sec, end seconds, end s, stop time, end timestamp, stop timestamp",
    "first": "start frame, frame start, first frame, begin frame",
    "last": "end frame, frame end, last frame, stop frame",
}
SEPARATORS = "\t;|,"
SAMPLE = 64  # lines that the separator and the columns are guessed from
NEEDED = "it needs one for files (file, path, video, id ...) and one for classes (label, class, action, gloss ...)"


def plain(name):
    """The name of a column without case and marks."""
    return re.sub(r"[\W_]", "", str(name).casefold())


RANKS = {role: {plain(name): rank for rank, name in enumerate(text.split(","))} for role, text in COLUMNS.items()}


class Table(NamedTuple):
    """The rows of a list."""

    rows: list  # (line, {name or number of a column: text}) of each
    named: bool  # whether the columns have names
    spaced: bool = False  # whether blanks alone stand between the columns


def read_table(path, option, is_file):
    """The Table of a list.

    is_file(text): whether that is a video of the dataset. UserError: the file is no list, or a line has fewer or more
    columns than the others.
    """
    text = read_text(path, option)
    if text.lstrip()[:1] in ("[", "{"):
        return read_json(path, text)
    lines = [line for line in text.split("\n") if line.strip()]
    separator = separator_of(lines[:SAMPLE])
    rows = separated(path, text, separator) if separator else spaced(text, is_file)
    wide = len(rows[0][1])
    for line, row in rows:
        if len(row) != wide:
            columns = f"{len(row)} columns, not {wide}"
            raise UserError(f"{path}, line {line}: {columns}; write file, label and maybe group in each line")
    header = [cell.strip() for cell in rows[0][1]]
    if not is_header(path, header, is_file):
        return Table([(line, dict(enumerate(row))) for line, row in rows], False, not separator)
    if len(rows) == 1:
        raise UserError(f"{option} {path}: has the names of its columns alone; list videos below them, one a line")
    return Table([(line, dict(zip(header, row, strict=True))) for line, row in rows[1:]], True)


def read_text(path, option):
    """The text of a file in UTF-8 or UTF-16, with \\n at the ends of lines."""
    try:
        content = files.read(path)
    except OSError as error:
        raise UserError(f"{option} {path}: {error.strerror}; give a list of videos") from None
    wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    text = content.decode("utf-16" if wide else "utf-8-sig", "replace" if wide else "surrogateescape")
    text = re.sub("^sep=.\n", "", text.replace("\r\n", "\n").replace("\r", "\n"))  # sep=; is for Excel
    text = re.sub("^# .*$", "", text, flags=re.MULTILINE)  # comments
    if not text.strip() or "\0" in text:
        reason = "is no text" if text.strip() else "is empty"
        raise UserError(f"{option} {path}: {reason}; give a list of videos, one a line")
    return text


def separator_of(lines):
    """The separator of the columns of a CSV's first lines, None if it is none; a few lines may be wrong."""
    with contextlib.suppress(csv.Error):
        guessed = csv.Sniffer().sniff("\n".join(lines), SEPARATORS).delimiter
        if guessed in SEPARATORS and all(guessed in line for line in lines):
            return guessed
    return next((mark for mark in SEPARATORS if sum(mark in line for line in lines) * 2 >= len(lines)), None)


def separated(path, text, separator):
    """(line, cells) of each row of a CSV; a quoted cell may have line breaks, which become blanks."""
    reader, rows, line = csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=True), [], 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append((line, [" ".join(cell.split("\n")) for cell in row]))
            line = reader.line_num + 1
    except csv.Error as error:
        raise UserError(f"{path}, line {line}: {error}; correct it") from None
    return rows


def spaced(text, is_file):
    """(line, cells) of each line without separators; names of files and labels may have blanks."""
    return [(number, words(line.strip(), is_file)) for number, line in enumerate(text.split("\n"), 1) if line.strip()]


def words(line, is_file):
    """[file], [file, label] or [file, number, number] of a line."""
    if ending := re.search(rf"{names.ENDING.pattern.rstrip('$')}(?=\s)", line, re.IGNORECASE):
        file, rest = line[: ending.end()], line[ending.end() :].split()
        return [file, *rest] if all(map(is_number, rest)) else [file, " ".join(rest)]
    if names.is_video(line) or " " not in line or is_file(line):
        return [line]
    *start, last = line.rsplit(None, 2)
    if len(start) == 2 and is_number(start[1]) and is_number(last) and not is_file(" ".join(start)):
        return [*start, last]
    return line.rsplit(None, 1)


def is_number(text):
    """Whether a cell is a whole number; pandas writes 3 as 3.0."""
    return re.fullmatch(r"-?\d+(\.0+)?", text.strip()) is not None


def is_header(path, cells, is_file):
    """Whether the first row of a table names its columns. UserError: it does, but none that is known."""
    known = {role for cell in cells for role in COLUMNS if plain(cell) in RANKS[role]}
    if any(names.is_video(cell) or (cell and is_file(cell)) for cell in cells):
        return False
    if "file" in known:
        return True
    if "label" in known or len(cells) > 3:
        there = ", ".join(cell or "(no name)" for cell in cells)
        raise UserError(f"{path}: {len(cells)} columns without names that are known ({there}); {NEEDED}")
    return False


def read_json(path, text):
    """The Table of JSON, or of lines of JSON: lists of objects, or objects of objects whose keys are files."""
    try:
        values = [json.loads(text)]
    except ValueError as error:
        try:
            values = [json.loads(line) for line in text.split("\n") if line.strip()]
        except ValueError:
            raise UserError(f"{path}: is no JSON ({error}); correct it") from None
    if isinstance(values[0], list) and all(isinstance(row, list) for row in values[0]):
        if len({len(row) for row in values[0]}) != 1:
            raise UserError(f"{path}: its lists have different lengths; write file and label in each")
        return Table([(number, dict(enumerate(map(text_of, row)))) for number, row in enumerate(values[0], 1)], False)
    rows = [row for value in values for row in objects(value, {})]
    good = [row for row in rows if any(plain(key) in RANKS["file"] for key in row)]
    if any(plain(key) in RANKS["label"] for row in good for key in row):  # not those of a taxonomy beside them
        good = [row for row in good if any(plain(key) in RANKS["label"] for key in row)]
    if not good:
        there = ", ".join(dict.fromkeys(key for row in rows for key in row)) or "none"
        raise UserError(f"{path}: its objects have the fields {there}; {NEEDED}")
    keys = dict.fromkeys(key for row in good for key in row)
    return Table([(number, {key: row.get(key, "") for key in keys}) for number, row in enumerate(good, 1)], True)


def objects(value, outer, listed=False):
    """The innermost objects in a value of JSON, each {field: text} with the fields of those around it.

    listed: whether the value is one of a list; else an object without known fields is {file: label}.
    """
    if isinstance(value, list):
        for each in value:
            yield from objects(each, outer, True) if isinstance(each, dict | list) else [outer | {"file": str(each)}]
        return
    only_lists = all(isinstance(each, list) for each in value.values())
    plain_fields = {key: text_of(each) for key, each in value.items() if not isinstance(each, dict | list)}
    inner = {key: each for key, each in value.items() if is_filled(each) or (only_lists and each)}
    if (
        not inner
        and value
        and not listed
        and not any(plain(key) in RANKS[role] for key in value for role in ("file", "label"))
    ):
        yield from ({**outer, "file": key, "label": label} for key, label in plain_fields.items())
        return
    here = outer | plain_fields
    for key in ("segment", "segments"):
        if isinstance(span := value.get(key), list) and len(span) == 2 and not any(isinstance(e, list) for e in span):
            here |= {"start time": str(span[0]), "end time": str(span[1])}
            inner.pop(key, None)
    if not inner:
        yield here
    for key, each in inner.items():
        if side_of(key):
            yield from objects(each, here | {"split": key})
        elif isinstance(each, list) and not any(isinstance(item, dict | list) for item in each):
            yield from objects(each, here | {"label": key})
        elif isinstance(each, dict) and plain(key) not in STRUCTURE:
            yield from objects(each, here | {"key": key})
        else:
            yield from objects(each, here)


STRUCTURE = {
    "database",
    "annotations",
    "annotation",
    "data",
    "videos",
    "root",
    "info",
    "instances",
    "clips",
}  # no files


def is_filled(value):
    """Whether a field holds further objects, or a list of files."""
    if isinstance(value, list):
        return bool(value) and (isinstance(value[0], dict | list) or all(map(names.is_video, map(str, value))))
    return isinstance(value, dict) and bool(value)


def text_of(value):
    return "" if value is None else str(value)
