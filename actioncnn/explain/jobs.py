"""What explain.py does: videos one by one, the mistakes of a run, the order of frames in a whole dataset."""

import functools
import itertools
from pathlib import Path

import numpy as np

from actioncnn.cli import bar, say, warn
from actioncnn.data import store
from actioncnn.data.groups import scenes
from actioncnn.errors import UserError
from actioncnn.explain import order, output
from actioncnn.figures import mosaic, strips
from actioncnn.files import write
from actioncnn.model.labels import label_of
from actioncnn.model.model import open_model
from actioncnn.runs.metrics import chance
from actioncnn.runs.tested import least_sure, mistakes
from actioncnn.video import pool
from actioncnn.video.pool import Failed

SHEET = 40  # videos on one page
FEW = 3  # videos: more get a bar


def labels_of(names, classes):
    """The labels of --class and --against, None where these are not given. UserError: unknown, or both the same."""
    options = "--class", "--against"
    pairs = zip(names, options, strict=True)
    labels = [None if name is None else label_of(name, classes, option) for name, option in pairs]
    if labels[0] is not None and labels[0] == labels[1]:
        raise UserError(f"--class {names[0]} --against {names[1]}: are one class; give two, or leave out --against")
    return labels


class LateModel:
    """The Model of some ModelFiles, loaded when it is asked for: until then processes decode videos."""

    def __init__(self, files):
        self.files = files

    @functools.cached_property
    def loaded(self):
        return open_model(self.files)

    def read(self, paths, workers):
        """Iterates (index, clip or Failed) of videos as they are decoded; the first is there when this returns."""
        sampling = self.files.sampling or self.loaded.sampling  # without a run the model has to tell
        clips = pool.tell_remarks(pool.clips(dict(enumerate(paths)), sampling, workers), paths)
        clips = itertools.chain([next(clips)], clips)
        few = len(paths) <= FEW
        return bar(iterable=clips, desc="videos", total=len(paths), unit="video", disable=few or None)


def explain_clip(path, clip, model, label=None, against=None):
    """output.Explained of a decoded video; label: None: of the class that it is taken for."""
    from actioncnn.explain.evidence import find_evidence  # and TensorFlow, which open_model has set up

    clip = model.sampling.pick(clip)
    probabilities = model(clip[None])[0]
    label = int(probabilities.argmax()) if label is None else label
    if against == label:
        warn(f"{path}: is taken for {model.classes[label]} itself: why it is, and not any other")
        against = None
    return output.Explained(path, clip, probabilities, label, against, find_evidence(model, clip, label, against), None)


def stems(paths, directory):
    """A path without ending for the results of each video; equal names get a number."""
    counts, names = {}, []
    for path in paths:
        counts[path.stem] = counts.get(path.stem, 0) + 1
        names.append(str(directory / path.stem) + (f"_{counts[path.stem]}" if counts[path.stem] > 1 else ""))
    return names


def written(paths, directory):
    """Paths of all that may be written about videos, and about many together, without repetition."""
    of_each = [f"{stem}_evidence.{ending}" for stem in stems(paths, directory) for ending in output.ENDINGS]
    return list(dict.fromkeys([*map(Path, of_each), *(directory / name for name in output.SHEETS)]))


def failed(path, answer):
    """Whether a video could not be read, which is said."""
    if isinstance(answer, Failed):
        warn(f"{path}: {answer.reason}")
    return isinstance(answer, Failed)


def explain_videos(paths, late, names, directory, workers):
    """Writes why the network says of each video what it says -> number of videos that could not be read.

    late: LateModel; names: of the class that is explained and of the one that it is set against, or None.
    """
    clips, tiles, failures, places = late.read(paths, workers), {}, 0, stems(paths, directory)
    means = output.Means()
    model = late.loaded
    classes = model.classes
    labels = labels_of(names, classes)
    for index, clip in clips:
        if failed(paths[index], clip):
            failures += 1
            continue
        item = explain_clip(paths[index], clip, model, *labels)
        if len(item.evidence) > 1:
            item = item._replace(rows=order.motion(model, item.clip[None], [item.label]))
        means.add(item)
        output.write_video(places[index], item, classes)
        verdict = f"; {order.verdict(item.rows, len(classes))}" if item.rows else ""
        say(output.title_of(item, classes) + verdict)
        if index < SHEET:
            tiles[index] = output.tile(item, classes)
    if len(paths) > 1:
        write_sheet(directory / "explained.png", tiles)
        write_sheet(directory / "explained_mean.png", means.tiles(classes))
    if len(paths) > SHEET:
        say(f"note: explained.png shows the first {SHEET} of {len(paths)} videos")
    return failures


def write_sheet(path, tiles):
    """tiles: {index: picture}, in any order."""
    if tiles:
        write(path, strips.image(mosaic.lay_out([tiles[index] for index in sorted(tiles)], down=True)))


def explain_mistakes(clips, count, late, names, directory, workers):
    """mistakes.png of tested.TestClips: the evidence for the class that each was taken for, and for the true one.

    count: how many, the most confident ones; names: of the true class and of the one that they were taken for, or None:
    any. Returns the number of videos that could not be read.
    """
    classes = late.files.known_names or late.loaded.classes
    pair = [None if label is None else classes[label] for label in labels_of(names, classes)]
    wrong = mistakes(clips, count, *pair)
    if not wrong:
        of_class = [f" {word} {name}" for word, name in zip(("of", "taken for"), pair, strict=True) if name]
        least = least_sure(clips, count, pair[0])
        say(f"note: the run made no mistakes{''.join(of_class)}: the {len(least)} least sure right clips are shown")
        return explain_right(least, late, names[1], directory, workers)
    clips, tiles = late.read([clip.path for clip in wrong], workers), {}
    model = late.loaded
    for index, clip in clips:
        if not failed(wrong[index].path, clip):
            labels = [label_of(name, model.classes, "--mistakes") for name in wrong[index][1:3]]
            true, taken = (explain_clip(wrong[index].path, clip, model, label) for label in labels)
            say(output.title_of_mistake(taken, true, model.classes))
            tiles[index] = output.tile_of_mistake(taken, true, model.classes)
    write_sheet(directory / "mistakes.png", tiles)
    return len(wrong) - len(tiles)


def explain_right(clips, late, against, directory, workers):
    """least_sure.png of tested.TestClips that are right: what speaks for their class -> number of unreadable videos."""
    if not clips:
        return 0
    answers, tiles, model = late.read([clip.path for clip in clips], workers), {}, late.loaded
    other = None if against is None else label_of(against, model.classes, "--against")
    for index, clip in answers:
        if not failed(clips[index].path, clip):
            label = label_of(clips[index].true, model.classes, "--mistakes")
            item = explain_clip(clips[index].path, clip, model, label, None if other == label else other)
            say(output.title_of(item, model.classes))
            tiles[index] = output.tile(item, model.classes)
    write_sheet(directory / "least_sure.png", tiles)
    return len(clips) - len(tiles)


def compare_orders(chosen, model, directory, cache_dir, workers):
    """Prints and writes how much a network knows of clips, tested.Chosen, whose frames are in another order."""
    if not model.sampling.depth:
        raise UserError("--videos: a 2D network sees one frame of a video, which has no order; leave it out")
    videos, title = chosen.videos, chosen.words
    frames, failures = store.load_clips(videos, model.sampling, cache_dir or model.files.cache, workers)
    for row, reason in failures.items():
        warn(f"{videos[row].path}: {reason}")
    good = [row for row in range(len(videos)) if row not in failures]
    labels = np.array(chosen.labels)[good]
    frames = frames[good] if failures else frames
    with bar(desc="orders", total=len(good) * sum(map(len, order.ways_of(frames).values())), unit="clip") as progress:
        rows = order.motion(model, frames, labels, progress.update)
    groups = scenes([videos[row] for row in good])
    verdict, least = order.verdict_of_many(rows, labels, groups), chance(labels)
    output.write_order(directory, rows, title, verdict, least)
    say(title, *order.table(rows, True), f"  {'chance':<16}{least:>10.1%}", verdict)
    return len(failures)
