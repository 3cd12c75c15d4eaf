"""Videos -> probabilities of classes. Parallel processes decode ahead of the network, which takes clips in batches."""

import glob
import queue
import threading
import time
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from actioncnn import dataset, extract, sliding
from actioncnn.cli import UserError
from actioncnn.timeline import best
from videoto3d import NoFrameError

BATCH = 16  # clips; larger ones are no faster on a CPU and would make the last results wait


LIVE_STEP = 1.0  # seconds between predictions of a camera


class Row(NamedTuple):
    """What the classifier says of a span of a video."""

    start: float | None  # seconds; None: of the whole video
    end: float | None
    probabilities: np.ndarray  # (classes,)


def expand(names):
    """Paths of the videos in files, directories and patterns; another name stays, to be reported."""
    paths = []
    for name in names:
        if Path(name).is_dir():
            inside = sorted(path for path in Path(name).rglob("*") if dataset.ENDING.search(path.name))
            found = [path for path in inside if not any(part[0] == "." for part in path.relative_to(name).parts)]
        else:
            found = [] if Path(name).exists() else [Path(path) for path in sorted(glob.glob(name, recursive=True))]
        paths += found or [Path(name)]
    return paths


def camera(names):
    """The number of a camera, where that is all that is named and no file has this name; else None."""
    return int(names[0]) if len(names) == 1 and names[0].isdecimal() and not Path(names[0]).exists() else None


def whole(paths, sampling, classifier, workers=None):
    """Iterates (path, [Row] or the reason why there is none), in the order of the paths.

    classifier: a function that gives the Classifier; it is called when the processes decode.
    """
    results = extract.decoded(list(enumerate(paths)), sampling.options(), workers or extract.cpus())
    answers = _answers(_ahead(results), sampling, classifier)
    rows = ((index, row if isinstance(row, str) else [Row(None, None, row)]) for index, row in answers)
    return ((paths[index], found) for index, found in _in_order(rows))


def windows(paths, sampling, classifier, length, step, workers=None, watch=lambda seconds: None):
    """The same with a Row for each window of `length` seconds that begins every `step` seconds.

    watch: is called with the end of each window.
    """
    results = sliding.decoded(paths, sampling, length, step, workers or extract.cpus())
    rows = _gathered(_answers(_ahead(results), sampling, classifier), watch)
    return ((paths[index], found) for index, found in _in_order(rows))


def _gathered(answers, watch):
    """(index, rows or reason) of each video, when its end has come through."""
    rows = {}
    for index, answer, start, end in answers:
        if isinstance(answer, np.ndarray):
            rows.setdefault(index, []).append(Row(start, end, answer))
            watch(end)
        else:
            yield index, rows.pop(index, []) if answer is None else answer


def _answers(results, sampling, classifier):
    """Replaces the clip in (index, clip or else, ...) by the probabilities of its classes, a batch at a time."""
    apply = classifier()
    while batch := list(islice(results, BATCH)):
        where = [place for place, item in enumerate(batch) if isinstance(item[1], np.ndarray)]
        if where:
            found = apply(np.stack([sampling.pick(batch[place][1]) for place in where]))
            for place, probabilities in zip(where, found, strict=True):
                index, _, *more = batch[place]
                batch[place] = index, probabilities, *more
        yield from batch


def _ahead(iterable, size=4 * BATCH):
    """Iterates in a thread of its own, up to `size` items ahead.

    The first item is made at once and here: its making starts processes, which must not be forked later on.
    """
    ready, end = queue.Queue(size), object()
    iterator = iter(iterable)
    first = list(islice(iterator, 1))

    def fill():
        try:
            for item in iterator:
                ready.put(item)
            ready.put(end)
        except BaseException as error:
            ready.put(error)

    threading.Thread(target=fill, daemon=True).start()
    return chain(first, _drain(ready, end))


def _drain(ready, end):
    while (item := ready.get()) is not end:
        if isinstance(item, BaseException):
            raise item
        yield item


def _in_order(results):
    """(0, a), (1, b), ... of the same pairs in any order."""
    kept, wanted = {}, 0
    for index, result in results:
        kept[index] = result
        while wanted in kept:
            yield wanted, kept.pop(wanted)
            wanted += 1


def watch(index, make_classifier, length, top=3):
    """Prints once a second what the last `length` seconds of a camera show, until Ctrl-C."""
    try:
        capture = sliding.open_camera(index)
    except NoFrameError as error:
        raise UserError(f"camera {index}: {error}; give the number of another, or a video file") from None
    classifier = make_classifier()
    frames = sliding.live(capture)
    try:
        for start, end, clip in sliding.windows(frames, classifier.sampling, length, LIVE_STEP):
            if clip is None:  # the camera has stopped already
                break
            row = Row(start, end, classifier(clip[None])[0])
            found = [f"{share:4.0%} {name}" for name, share in best(row, classifier.classes, top)]
            print(time.strftime("%H:%M:%S"), "  ".join(found), flush=True)
    except KeyboardInterrupt:
        return
    raise UserError(f"camera {index}: gives no more frames")
