"""Lists of training and test videos, as datasets are published with them or as people write them.

- lines `file`, `file label` or `file frames label`, as UCF-101's trainlist01.txt and those of TSN
- CSV with any separator, with or without names of columns, and JSON: records.py has the names that are known
- a folder of UCF-101's lists, or of HMDB-51's <class>_test_split1.txt (1 train, 2 test, 0 neither)
"""

import os
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

from actioncnn.cli import shorten
from actioncnn.data import names, records
from actioncnn.data.folder_words import side_of
from actioncnn.data.layout import Place
from actioncnn.data.records import RANKS, SAMPLE, is_number, plain
from actioncnn.errors import UserError
from actioncnn.video import pool, segment

NAMED = 10  # missing files that are named
HMDB51 = {"0": "", "1": "train", "2": "test"}
CLASS_FILES = ("classInd.txt", "classes.txt", "labels.txt", "class_names.txt", "label_map*.txt")  # beside a list
LONGEST = 8  # videos that are opened to tell whether ends of segments are seconds or frames


class Entry(NamedTuple):
    """A line of a list."""

    file: str
    label: str | None
    group: str | None
    line: int
    side: str | None = None
    span: tuple | None = None  # unit, start, end of a segment; end None: that of the video


class List(NamedTuple):
    """A list that was read."""

    path: Path
    entries: list
    side: str  # of the entries that do not tell theirs


def read(tree, directory, train_list, test_list, split):
    """The Place of each listed video below a directory, lines that say how the lists were understood, and notes.

    tree: its Folders. split: number of the lists, where
    `train_list` is a folder of several. UserError: what is wrong with a list, its line and what to do.
    """
    if train_list is None:
        raise UserError("--test-list: give --train-list too, what is trained on")
    find, said, notes = finder(tree), [], []
    if re.search(r"_test_split\d\.txt$", train_list.name):
        raise UserError(f"--train-list {train_list}: is one of HMDB-51's lists; give the folder of all of them")
    if train_list.is_dir():
        lists = of_folder(train_list, test_list, split, find)
    else:
        paths = [(train_list, "--train-list", "train"), (test_list, "--test-list", "test")]
        lists = read_lists([each for each in paths if each[0]], find, said)
    lists = with_groups(lists)
    names_of, more = class_names(lists)
    places, missing = {}, defaultdict(list)
    for each in lists:
        find_all(each, find, names_of, places, missing)
    for side, absent in missing.items():
        total = len(absent) + sum(of == side for of, _ in places)
        notes.append(f"{side} list: {len(absent)} of {total} files are not in {directory}: {shorten(absent, NAMED)}")
    if not places:
        if not notes:
            raise UserError(f"--train-list {train_list}: lists no video of training or test; list some")
        raise UserError(f"--train-list {train_list}: {notes[0]}; give the directory of these videos with --videos")
    both = {video for side, video in places if ("train", video) in places and ("test", video) in places}
    if both:
        notes.append(f"left out of training: {len(both)} files that both lists have, such as {min(both)}")
    found = [place for (side, video), place in places.items() if side == "test" or video not in both]
    if len(lists) == 1 and len({place.side for place in found}) == 1:  # all videos in one list, which is no side
        found = [place._replace(side=None) for place in found]
    return found, said + more, notes


def find_all(listed, find, names_of, places, missing):
    """Adds the videos of a List to {(side, path): Place}, and those that are not there to {side: files}."""
    for entry in listed.entries:
        where = f"{listed.path}, line {entry.line}"
        side = entry.side or listed.side
        video = find_segment(entry, listed.path.parent, where, find)
        if video is None:
            missing[side].append(entry.file)
            continue
        place = Place(video, *class_and_group(entry, where, names_of), side, "")
        former = places.setdefault((side, video), place).name
        if former.casefold() != place.name.casefold():
            raise UserError(f"{where}: {entry.file} is {place.name} here and {former} above; leave one out")


def find_segment(entry, beside, where, find):
    """The path of the video, or of a part of one, that an entry names; None if it is not there."""
    if not entry.span:
        return find(entry, beside, where)
    unit, start, end = entry.span
    if unit == "t" and end is not None:  # as Kinetics' clips are named, which are this part already
        trimmed = f"{entry.file}_{int(start):06d}_{int(end):06d}"
        path = find(entry._replace(file=trimmed), beside, where)
        if path and trimmed in (path.name, names.stem(path.name)):
            return path
    path = find(entry, beside, where)
    return path and segment.named(path, unit, start, end)


def class_and_group(entry, where, names_of):
    known = names.match(re.split(r"[/\\]", entry.file)[-1])
    group = entry.group or (known.group if known else None)
    label = entry.label
    if names_of and label:
        if label not in names_of:
            raise UserError(f"{where}: no class {label} among {shorten(sorted(names_of))}; correct the label")
        label = names_of[label]
    label = label or (known.name if known else folder_of(entry.file))
    if not label:
        raise UserError(f"{where}: {entry.file} has no label; write `file label` in each line")
    return label, group


def with_groups(lists):
    """The Lists with the video as the group of each of its segments, which are alike, where a video has several."""
    segments = Counter(entry.file for each in lists for entry in each.entries if entry.span)
    if max(segments.values(), default=0) < 2:
        return lists
    return [each._replace(entries=list(map(with_group, each.entries))) for each in lists]


def with_group(entry):
    video = names.stem(entry.file) if names.is_video(entry.file) else entry.file
    return entry._replace(group=video) if entry.span and not entry.group else entry


def finder(tree):
    """A function find(entry, folder of the list, where) -> path of the listed video, None if there is none.

    A listed path may begin above or below the directory, differ in case or ending, or be a file's name alone. Of
    several that fit, the one that shares most folders is taken, or whose folder is the label.
    """
    by_name, by_stem = defaultdict(list), defaultdict(list)
    for parts, folder, files, _ in tree:
        for file in files:
            known = (*parts, file), folder / file
            by_name[names.fold(file)].append(known)
            by_stem[names.fold(names.stem(file))].append(known)

    def find(entry, beside, where=None):
        wanted = [part for part in re.split(r"[/\\]", entry.file) if part not in ("", ".")]
        if not wanted:
            return None
        if os.path.isabs(entry.file) and os.path.exists(entry.file):
            return Path(entry.file)
        last = names.fold(wanted[-1])
        found = by_name.get(last) or by_stem.get(last) or by_stem.get(names.stem(last))
        found = found or by_stem.get(f"{last}_color") or by_stem.get(f"{last}_rgb")  # AUTSL's, beside those of depth
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
        if names.fold(mine) != names.fold(other):
            break
        shared += 1
    return shared, label in parts, parts[-1] == wanted[-1], parts[-len(wanted) :] == tuple(wanted)


def folder_of(file):
    return (["", *re.split(r"[/\\]", file)][-2]) or None


def class_names(lists):
    """({number: class} where the labels of all lists are numbers, else {}, and lines that say what was decided).

    A file beside a list names them (CLASS_FILES), or the folders: where over all lists each number has one folder, and
    each folder one number. Else the numbers are the classes, and {} is returned.
    """
    labelled = [entry for each in lists for entry in each.entries if entry.label]
    numbers = {entry.label for entry in labelled}
    if not numbers or not all(map(is_number, numbers)):
        return {}, []
    for folder in dict.fromkeys(each.path.parent for each in lists):
        for path in (path for pattern in CLASS_FILES for path in sorted(folder.glob(pattern))):
            told = class_numbers(path)
            if path.name == CLASS_FILES[0] or (told and numbers <= told.keys()):
                wrong = next((entry for entry in labelled if entry.label not in told), None)
                if wrong:
                    line = f"{lists[0].path}, line {wrong.line}: no class {wrong.label} in {path}"
                    raise UserError(f"{line}; correct one of them")
                return told, [f"labels are numbers: {path.name} names them, as {example_of(told, labelled)}"]
    if pairs := one_to_one((folder_of(entry.file), entry.label) for entry in labelled):
        told = {number: folder for folder, number in pairs.items()}
        return told, [f"labels are numbers, one for each folder: {example_of(told, labelled)}"]
    bare = next((entry for each in lists for entry in each.entries if not entry.label), None)
    if bare:
        raise UserError(
            f"{lists[-1].path}, line {bare.line}: has no label, and the numbers of other lines stand for no folders;"
            " write a label in each line"
        )
    first = labelled[0]
    return {}, [f"labels are numbers, and these are the classes: {first.file} is of class {first.label}"]


def example_of(told, labelled):
    return f"{labelled[0].label} is {told[labelled[0].label]}"


def one_to_one(pairs):
    """{a: b} of pairs where each a has one b and each b one a, and none is None; else {}."""
    forth, back = {}, {}
    for a, b in set(pairs):
        if a is None or a in forth or b in back:
            return {}
        forth[a], back[b] = b, a
    return forth


def class_numbers(path):
    """{number: class} of lines `1 ApplyEyeMakeup` or `ApplyEyeMakeup 1`; of names alone their places, from 0."""
    lines = [line.strip() for line in records.read_text(path, path.name).split("\n") if line.strip()]
    ahead = [line.split(None, 1) for line in lines]
    behind = [line.rsplit(None, 1)[::-1] for line in lines]
    for pairs in (ahead, behind):
        if all(len(pair) == 2 and is_number(pair[0]) for pair in pairs):
            return dict(pairs)
    if path.name == CLASS_FILES[0]:
        return {pair[0]: pair[1] for pair in ahead if len(pair) == 2}
    return {str(place): line for place, line in enumerate(lines)}


def of_folder(folder, test_list, split, find):
    """The Lists of a folder with UCF-101's or HMDB-51's lists of the split."""
    if test_list:
        raise UserError(f"--test-list: leave it out; --train-list {folder} is a folder, of the lists of both sides")
    number = split if split in ("1", "2", "3") else "1"
    paths = {side: folder / f"{side}list0{number}.txt" for side in ("train", "test")}
    if all(path.is_file() for path in paths.values()):
        return read_lists([(path, "--train-list", side) for side, path in paths.items()], find, [])
    found = sorted(folder.glob(f"*_test_split{number}.txt"))
    if not found:
        raise UserError(
            f"--train-list {folder}: neither trainlist0{number}.txt and testlist0{number}.txt"
            f" nor <class>_test_split{number}.txt is there; give the folder of UCF-101's or HMDB-51's lists"
        )
    lists = []
    for path in found:
        name, entries = path.name.removesuffix(f"_test_split{number}.txt"), []
        for line, text in enumerate(records.read_text(path, "--train-list").split("\n"), 1):
            file, _, mark = text.strip().rpartition(" ")
            if text.strip() and (mark not in HMDB51 or not file):
                raise UserError(f"{path}, line {line}: {text.strip()!r} is not `file 0`, 1 or 2; correct it")
            if HMDB51.get(mark):
                entries.append(Entry(file.strip(), name, None, line, HMDB51[mark]))
        lists.append(List(path, entries, "train"))
    return lists


def read_lists(paths, find, said):
    """The Lists at (path, option, side). Their columns are decided over all of them together.

    said: gets a line for what was decided that the lists do not tell.
    """
    tables = []
    for path, option, _ in paths:
        is_file = lambda text, path=path: find(Entry(text, None, None, 0), path.parent)  # noqa: E731
        tables.append((records.read_table(path, option, is_file), path, is_file))
    unnamed = [each for each in tables if not each[0].named]
    of_unnamed = by_place(unnamed, said) if unnamed else {}
    lists = []
    for (table, path, is_file), (_, _, side) in zip(tables, paths, strict=True):
        wide = len(table.rows[0][1])
        columns = by_name(table, path, is_file) if table.named else of_unnamed[wide]
        entries = [entry(columns, row, path, line) for line, row in table.rows]
        lists.append(List(path, entries, side))
    sides = {entry.side for each in lists for entry in each.entries}
    if len(lists) == 2 or not sides & {"train", "test", "val"}:  # each list is a side, or its column tells other things
        lists = [each._replace(entries=[entry._replace(side=None) for entry in each.entries]) for each in lists]
    return [each._replace(entries=in_unit(each, find, said)) for each in lists]


def by_name(table, path, is_file):
    """{role: name of its column} of a table with names. UserError: none has files."""
    columns, sample = {}, table.rows[:SAMPLE]
    for role, ranks in RANKS.items():
        there = sorted((ranks[plain(name)], name) for name in sample[0][1] if plain(name) in ranks)
        if there:
            columns[role] = there[0][1]
        if role == "file" and len(there) > 1:  # an `id` may be a number of the row
            columns[role] = max((name for _, name in there), key=lambda name: count_files(sample, name, is_file))
        if role == "label" and there:  # words go before numbers
            texts = [name for _, name in there if not all(is_number(row[name]) for _, row in sample)]
            columns[role] = (texts or [there[0][1]])[0]
    return columns


def count_files(rows, column, is_file):
    return sum(bool(row[column].strip() and is_file(row[column].strip())) for _, row in rows)


def by_place(tables, said):
    """{number of columns: {role: place of its column}} of tables without names."""
    ways = {}
    for table, path, _ in tables:
        wide = len(table.rows[0][1])
        alike = [each for each in tables if len(each[0].rows[0][1]) == wide]
        if wide in ways:
            continue
        scores = Counter()
        for other, _, is_file in alike:
            for place in range(wide):
                scores[place] += count_files(other.rows[:SAMPLE], place, is_file)
        file = max(range(wide), key=lambda place: scores[place])
        rest = [place for place in range(wide) if place != file]
        if len(rest) > 2:
            raise UserError(
                f"{path}: {wide} columns without names; write a first line that names them: {records.NEEDED}"
            )
        rows = [row for other, _, _ in alike for _, row in other.rows]
        ways[wide] = {"file": file} | (
            of_two(rows, file, rest, table.spaced, path, said) if rest[1:] else label_of(rest)
        )
    return ways


def label_of(rest):
    return {"label": rest[0]} if rest else {}


def of_two(rows, file, rest, is_spaced, path, said):
    """{role: place} of two columns beside the file: label and group, or a count of frames and the label."""
    first, second = rest
    numeric = [all(is_number(row[place]) for row in rows) for place in rest]
    if not numeric[0]:
        return {"label": first, "group": second}
    fits = [bool(one_to_one((folder_of(row[file]), row[place].strip()) for row in rows)) for place in rest]
    values = [len({row[place].strip() for row in rows}) for place in rest]
    classes = path.parent / CLASS_FILES[0]
    known = class_numbers(classes) if classes.is_file() else {}
    if known and all(numeric):
        fits = [all(row[place].strip() in known for row in rows) for place in rest]
    if fits[0] != fits[1]:
        counts = fits[1]
    elif min(values) == 1 < max(values):  # all have as many frames
        counts = values[0] == 1
    elif values[0] != values[1]:
        counts = values[0] > values[1]
    else:
        counts = is_spaced
    if not counts:
        return {"label": first} | ({} if is_spaced else {"group": second})
    row = rows[0]
    said.append(
        f"{row[file].strip()}: {row[second].strip()} is taken for its label, {row[first].strip()} for a count of frames"
    )
    return {"label": second}


def entry(columns, row, path, line):
    """The Entry of a row. UserError: it has no file or label, or its times are none."""
    cells = {role: row[name].strip() for role, name in columns.items()}
    if not cells["file"] or not cells.get("label", "x"):
        raise UserError(f"{path}, line {line}: an empty column; write file, label and maybe group in each line")
    label, group = cells.get("label"), cells.get("group")
    if label and is_number(label):
        label = str(int(float(label)))
    if label:  # a class is named in text, unlike a file
        label = as_text(label)
    if label and plain(columns["label"]) == "template":  # Something-Something: "Holding [something]"
        label = re.sub(r"[\[\]]", "", label)
    if "group" in columns and plain(columns["group"]) == "original":  # DFDC: a real video is the source of its fakes
        group = names.stem(group or cells["file"])
    side = side_of(cells.get("side", "")) or cells.get("side")
    return Entry(cells["file"], label, group or None, line, side, span_of(cells, path, line))


def as_text(label):
    """A label as text: bytes that are no UTF-8 are those of Western Windows."""
    try:
        label.encode()
    except UnicodeEncodeError:
        return label.encode(errors="surrogateescape").decode("cp1252", "replace")
    return label


def span_of(cells, path, line):
    """(unit, start, end) of a segment, None where the row is a whole video; unit "": seconds or frames."""
    for unit, begin, finish in (("t", "from", "to"), ("frames", "first", "last"), ("", "start", "end")):
        if not cells.get(begin):
            continue
        start, end = seconds(cells[begin]), seconds(cells.get(finish) or "-1")
        if start is None or end is None or 0 <= end <= start:
            raise UserError(
                f"{path}, line {line}: {cells[begin]}, {cells.get(finish)} are no start and end; correct them"
            )
        if end < 0 and start <= 1:  # WLASL: frames 1 to -1 are all
            return None
        return unit, max(start, 0.0), None if end < 0 else end
    return None


def seconds(text):
    """A number of seconds or frames, 83.5 or 0:01:23.5; None: it is none."""
    try:
        parts = [float(part) for part in text.split(":")]
    except ValueError:
        return None
    return sum(part * 60**place for place, part in enumerate(reversed(parts)))


def in_unit(listed, find, said):
    """The entries of a List with a unit in each span: seconds, or frames where ends are beyond those of the videos."""
    bare = [entry for entry in listed.entries if entry.span and not entry.span[0]]
    if not bare:
        return listed.entries
    latest = sorted(bare, key=lambda entry: -(entry.span[2] or entry.span[1]))
    unit = "frames" if all(map(is_whole, bare)) and beyond(latest, listed.path.parent, find) else "t"
    kind, other = (
        ("frames", "start time and end time") if unit == "frames" else ("seconds", "start frame and end frame")
    )
    said.append(f"{listed.path.name}: start and end are {kind}; name the columns {other} if they are not")
    return [
        entry._replace(span=(unit, *entry.span[1:])) if entry.span and not entry.span[0] else entry
        for entry in listed.entries
    ]


def is_whole(entry):
    """Whether both ends of a segment are whole numbers."""
    return all(edge is None or edge == int(edge) for edge in entry.span[1:])


def beyond(entries, beside, find):
    """Whether one of the first entries ends later than its video lasts, if their times are seconds."""
    first = {row: find(each, beside) for row, each in enumerate(entries[:LONGEST])}
    lengths = pool.lengths({row: path for row, path in first.items() if path})
    late = {row: count / rate + 1 for row, (rate, count) in lengths.items() if rate and count}  # seconds; 1 is rounding
    return any(max(edge or 0 for edge in entries[row].span[1:]) > end for row, end in late.items())
