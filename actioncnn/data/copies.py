"""Folders in which something is there twice: copies of a dataset, other ways of recording it, frames beside videos."""

import re

from actioncnn.cli import count, shorten
from actioncnn.data import names
from actioncnn.data.folder_words import MODALITIES, PREFERRED, words
from actioncnn.data.names import fold

UNLABELLED = {"unlabeled", "unlabelled", "unannotated"}
COPY = re.compile(r"^copy of |( - copy( \(\d+\))?| ?\(\d+\)|[ _-]copy\d*|[ _-](backup|bak|old))$", re.IGNORECASE)
GENERIC = {"video", "videos", "frames", "rawframes", "images", "jpegs"}
FILLING = {"raw", "map", "maps", "data", "crops"}


def without_copies(tree):
    """The Folders without what is there twice, and lines that say so."""
    notes = []
    labelled = [each for each in tree if not UNLABELLED & {fold(part) for part in each.parts}]
    if labelled and len(labelled) < len(tree):
        left = sum(len(each.files) for each in tree) - sum(len(each.files) for each in labelled)
        notes.append(f"left out: {count(left, 'video')} in folders that say they have no labels")
        tree = labelled
    videos = {each.path / names.stem(file) for each in tree if not each.pictures for file in each.files}
    frames = [each for each in tree if each.pictures and each.path / each.files[0] in videos]
    if frames:
        example = frames[0].path / frames[0].files[0]
        notes.append(f"left out: {count(len(frames), 'folder')} of frames beside their videos, such as {example}")
        gone = set(map(id, frames))
        tree = [each for each in tree if id(each) not in gone]
    return one_tree(one_modality(tree, notes), notes), notes


def one_modality(tree, notes):
    """The Folders without those that show the same in other ways: depth beside rgb, frames beside videos."""
    for level in range(max((len(whole(each)) for each in tree), default=0)):
        there = {whole(each)[level] for each in tree if len(whole(each)) > level}
        ranks = {name: modality(name) for name in there}
        if len(set(ranks.values())) > 1 and None not in ranks.values():
            best = min(there, key=lambda name: (ranks[name], name))
            kept = [each for each in tree if len(whole(each)) <= level or whole(each)[level] == best]
            left = count(sum(len(each.files) for each in tree) - sum(len(each.files) for each in kept), "video")
            remedy = "; give --videos that folder to take these" if not level else ""
            others = shorten(sorted(there - {best}))
            notes.append(f"left out: {left} in {others}, which show the same as {best} in another way{remedy}")
            tree = kept
    return tree


def whole(folder):
    """The folders that lead to the videos of a Folder, those of their pictures included."""
    return (*folder.parts, folder.files[0]) if folder.pictures else folder.parts


def modality(name):
    """The rank of a folder that is named after a way of recording, None of other names."""
    parts = [word for word in words(name) if word not in FILLING]
    if not parts or not all(word in MODALITIES or word in GENERIC for word in parts):
        return None
    special = [word for word in parts if word in MODALITIES] or parts
    return PREFERRED.index(special[0]) if special[0] in PREFERRED else len(PREFERRED)


def one_tree(tree, notes):
    """The Folders without copies of others: the same folders and files one level deeper, or in `X - Copy`."""
    by_parts = {each.parts: each for each in tree if each.parts}
    gone = {}
    for each in tree:
        suffixes = [each.parts[i:] for i in range(1, len(each.parts))]
        for parts in (*suffixes, tuple(COPY.sub("", part) for part in each.parts)):
            other = by_parts.get(parts)
            if other and parts != each.parts and other.parts not in gone and sizes(each) == sizes(other):
                gone[each.parts] = other
                break
    if gone:
        left = sum(len(each.files) for each in tree if each.parts in gone)
        first, other = next(iter(gone.items()))
        notes.append(
            f"left out: {count(left, 'video')} of a copy: {'/'.join(first)} is the same as {'/'.join(other.parts)}"
        )
    return [each for each in tree if each.parts not in gone]


def sizes(folder):
    """{name: size} of the videos of a Folder; of folders of pictures -1."""
    return {file: -1 if folder.pictures else size_of(folder.path / file) for file in folder.files}


def size_of(path):
    """Bytes of a file, 0 where it cannot be read."""
    try:
        return path.stat().st_size
    except OSError:  # a link to nowhere; reported when it is read
        return 0
