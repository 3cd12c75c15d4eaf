"""What explain.py does: videos one by one, the mistakes of a run, the order of frames in a whole dataset."""

import difflib
import functools
import itertools

import numpy as np

from actioncnn.cli import bar, say, warn
from actioncnn.data import cache
from actioncnn.errors import UserError
from actioncnn.explain import order, output
from actioncnn.figures import mosaic, strips
from actioncnn.files import write
from actioncnn.model.model import Classifier
from actioncnn.video import pool
from actioncnn.video.pool import Failed, Remark

SHEET = 40  # videos on one page
FEW = 3  # videos: more get a bar


def label_of(name, classes, option):
    """The label of a class, however its case; None of None. UserError: there is none, with near matches."""
    if name is None:
        return None
    labels = [label for label, each in enumerate(classes) if name in (each, str(label))] or [
        label for label, each in enumerate(classes) if name.casefold() == each.casefold()
    ]
    if labels:
        return labels[0]
    near = difflib.get_close_matches(name, classes, 3, 0.4) or classes[:3]
    raise UserError(f"{option} {name}: is no class of the model; it has {len(classes)}, as {', '.join(near)}")


class Model:
    """The Classifier of some classifier.ModelFiles, loaded when it is asked for: until then processes decode."""

    def __init__(self, files):
        self.files = files

    @functools.cached_property
    def loaded(self):
        return Classifier(self.files)

    def read(self, paths, workers):
        """Iterates (index, clip or Failed) of videos as they are decoded; the first is there when this returns."""
        sampling = self.files.sampling or self.loaded.sampling  # without args.json the model has to tell
        clips = (
            each for each in pool.clips(dict(enumerate(paths)), sampling, workers) if not isinstance(each[1], Remark)
        )
        clips = itertools.chain([next(clips)], clips)
        few = len(paths) <= FEW
        return bar(iterable=clips, desc="videos", total=len(paths), unit="video", disable=few or None)


def explain(path, clip, model, label=None, against=None):
    """output.Explained of a decoded video; label: None: of the class that it is taken for."""
    from actioncnn.explain.evidence import evidence  # and TensorFlow, which Classifier has set up

    clip = model.sampling.pick(clip)
    probabilities = model(clip[None])[0]
    label = int(probabilities.argmax()) if label is None else label
    if against == label:
        warn(f"{path}: is taken for {model.classes[label]} itself: why it is, and not any other")
        against = None
    return output.Explained(path, clip, probabilities, label, against, evidence(model, clip, label, against), None)


def stems(paths, directory):
    """A path without ending for the results of each video; equal names get a number."""
    counts, found = {}, []
    for path in paths:
        counts[path.stem] = counts.get(path.stem, 0) + 1
        found.append(str(directory / path.stem) + (f"_{counts[path.stem]}" if counts[path.stem] > 1 else ""))
    return found


def failed(path, answer):
    """Whether a video could not be read, which is said."""
    if isinstance(answer, Failed):
        warn(f"{path}: {answer.reason}")
    return isinstance(answer, Failed)


def explain_videos(paths, model, names, directory, workers):
    """Writes why the network says of each video what it says -> number of videos that could not be read.

    model: Model; names: of the class that is explained and of the one that it is set against, or None.
    """
    clips, tiles, failures, places = model.read(paths, workers), {}, 0, stems(paths, directory)
    network = model.loaded
    classes = network.classes
    labels = [label_of(*pair) for pair in zip(names, [classes] * 2, ("--class", "--against"), strict=True)]
    for index, clip in clips:
        if failed(paths[index], clip):
            failures += 1
            continue
        item = explain(paths[index], clip, network, *labels)
        if len(item.evidence) > 1:
            item = item._replace(rows=order.motion(network, item.clip[None], [item.label]))
        output.write_video(places[index], item, classes)
        verdict = f"; {order.verdict(item.rows, len(classes))}" if item.rows else ""
        say(output.title_of(item, classes) + verdict)
        if index < SHEET:
            tiles[index] = output.tile(item, classes)
    if len(paths) > 1:
        write_sheet(directory / "explained.png", tiles)
    if len(paths) > SHEET:
        say(f"note: explained.png shows the first {SHEET} of {len(paths)} videos")
    return failures


def write_sheet(path, tiles):
    """tiles: {index: picture}, in any order."""
    if tiles:
        write(path, strips.image(mosaic.lay_out([tiles[index] for index in sorted(tiles)], down=True)))


def explain_mistakes(wrong, model, directory, workers):
    """mistakes.png of tested.TestClips: the evidence for the class that each was taken for, and for the true one.

    Returns the number of videos that could not be read.
    """
    if not wrong:
        say("note: the run made no mistakes")
        return 0
    clips, tiles = model.read([clip.path for clip in wrong], workers), {}
    network = model.loaded
    for index, clip in clips:
        if not failed(wrong[index].path, clip):
            labels = [label_of(name, network.classes, "--mistakes") for name in wrong[index][1:3]]
            true, taken = (explain(wrong[index].path, clip, network, label) for label in labels)
            say(output.title_of_mistake(taken, true, network.classes))
            tiles[index] = output.tile_of_mistake(taken, true, network.classes)
    write_sheet(directory / "mistakes.png", tiles)
    return len(wrong) - len(tiles)


def compare_orders(chosen, network, directory, cache_dir, workers):
    """Prints and writes how much a network knows of clips, tested.Chosen, whose frames are in another order."""
    if not network.sampling.depth:
        raise UserError("--videos: a 2D network sees one frame of a video, which has no order; leave it out")
    videos, title = chosen.videos, chosen.words
    frames, failures = cache.load_clips(videos, network.sampling, cache_dir, workers)
    for row, reason in failures.items():
        warn(f"{videos[row].path}: {reason}")
    good = [row for row in range(len(videos)) if row not in failures]
    labels = np.array(chosen.labels)[good]
    frames = frames[good] if failures else frames
    with bar(desc="orders", total=len(good) * sum(map(len, order.ways_of(frames).values())), unit="clip") as progress:
        rows = order.motion(network, frames, labels, progress.update)
    output.write_order(directory, rows, title, len(network.classes))
    say(title, *order.table(rows, True), order.verdict(rows, len(network.classes)))
    return len(failures)
