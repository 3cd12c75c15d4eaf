"""Videos that are the same under several names: they must not be trained on and tested on."""

import hashlib
from collections import defaultdict

from actioncnn.cli import count, shorten
from actioncnn.data import names
from actioncnn.data.copies import size_of

BLOCK = 1 << 16  # bytes at either end of a file that are compared


def find_twins(places):
    """(sets of paths with equal content, sets of paths that differ in their ending alone) among places.

    Equal are files of the same size, head and tail, as links are. Folders of pictures, empty files and parts of videos
    have no twins.
    """
    by_size, by_stem, by_content = defaultdict(dict), defaultdict(dict), defaultdict(list)
    for place in places:
        if names.is_video(place.path.name) and (size := size_of(place.path)):
            by_size[size][place.path] = None
            by_stem[place.path.parent, names.fold(names.stem(place.path.name))][place.path] = None
    for size, paths in by_size.items():
        for path in paths if len(paths) > 1 else ():
            by_content[size, ends_of(path, size)].append(path)
    equal = [paths for (_, content), paths in by_content.items() if content and len(paths) > 1]
    return equal, [sorted(paths) for paths in by_stem.values() if len(paths) > 1]


def told(equal, converted, places):
    """Lines on the twins, as find_twins gives them, that are left among places."""
    here = {place.path: place for place in places}
    sets = [[path for path in paths if path in here] for paths in equal]
    mixed = [paths for paths in sets if len({names.fold(here[path].name) for path in paths}) > 1]
    notes = []
    if mixed:
        notes.append(f"{count(len(mixed), 'video')} in several classes, such as {some(mixed)}: leave each in one")
    if any(place.side for place in places):  # what is on both sides is told where it is left out
        return notes
    if alike := [paths for paths in sets if len(paths) > 1 and paths not in mixed]:
        number = count(sum(map(len, alike)), "video")
        notes.append(f"{number} with equal content, such as {some(alike)}: equal ones stay on one side")
    if several := [paths for paths in converted if all(path in here for path in paths)]:
        notes.append(
            f"{count(len(several), 'video')} with several endings, such as {some(several)}: they stay on one side"
        )
    return notes


def some(sets):
    return shorten(list(map(str, sets[0])), 3)


def ends_of(path, size):
    """A digest of the first and the last bytes of a file; None where it is a folder or cannot be read."""
    try:
        with open(path, "rb") as file:
            content = file.read(BLOCK)
            file.seek(max(size - BLOCK, 0))
            return hashlib.sha256(content + file.read(BLOCK)).digest()
    except OSError:
        return None


def joined(sets):
    """{path: the first path that it is joined to} by overlapping sets of paths."""
    of = {}
    for paths in sets:
        first = {of[path] for path in paths if path in of} or {paths[0]}
        target = min(first)
        for path, other in of.items() if len(first) > 1 else ():
            of[path] = target if other in first else other
        of |= dict.fromkeys(paths, target)
    return of
