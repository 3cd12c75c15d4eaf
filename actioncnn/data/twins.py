"""Videos that are the same under several names: they must not be trained on and tested on."""

import hashlib
from collections import defaultdict

from actioncnn.cli import count, shorten
from actioncnn.data import names
from actioncnn.data.layout import size_of

BLOCK = 1 << 16  # bytes at either end of a file that are compared


def find_twins(places):
    """({path: what it shares with its twins} of the places that have some, and lines to tell the user).

    Twins are files of the same size, head and tail (links are), and files in one folder that differ in their ending
    alone. Folders of pictures, empty files and parts of videos have none.
    """
    by_size, by_stem, classes = defaultdict(dict), defaultdict(dict), {}
    for place in places:
        if names.is_video(place.path.name) and (size := size_of(place.path)):
            by_size[size][place.path] = None
            by_stem[place.path.parent, names.fold(names.stem(place.path.name))][place.path] = None
            classes[place.path] = names.fold(place.name)
    by_content = defaultdict(list)
    for size, paths in by_size.items():
        for path in paths if len(paths) > 1 else ():
            if content := ends_of(path, size):
                by_content[size, content].append(path)
    equal = [paths for paths in by_content.values() if len(paths) > 1]
    converted = [list(paths) for paths in by_stem.values() if len(paths) > 1]
    mixed = [paths for paths in equal if len({classes[path] for path in paths}) > 1]
    notes = []
    if mixed:
        notes.append(f"{count(len(mixed), 'video')} in several classes, such as {shorten(list(map(str, mixed[0])), 3)}: leave it in one")
    if alike := [paths for paths in equal if paths not in mixed]:
        left = sum(map(len, alike))
        notes.append(f"{count(left, 'video')} equal to others, such as {shorten(list(map(str, alike[0])), 3)}: equal ones stay on one side")
    if converted:
        some = shorten(sorted(map(str, converted[0])), 3)
        notes.append(f"{count(len(converted), 'video')} with several endings, such as {some}: they stay on one side")
    return joined(equal + converted), notes


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
