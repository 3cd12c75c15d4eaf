"""Videos -> probabilities of classes. Parallel processes decode ahead of the network, which takes clips in batches."""

import queue
import threading
from itertools import chain, islice

import numpy as np

from actioncnn.predict.timeline import Row
from actioncnn.video import pool
from actioncnn.video.pool import Failed, Finished
from actioncnn.video.windows import Window, windows

BATCH = 16  # clips; larger ones are no faster on a CPU and would make the last results wait


def predict_videos(paths, sampling, model, workers=None, features=False):
    """Iterates (path, [Row] or pool.Failed), in the order of the paths.

    model: a function that gives the Model; it is called when the processes decode. features: whether Rows have them.
    """
    clips = pool.clips(dict(enumerate(paths)), sampling, workers)
    answers = _classified(pool.tell_remarks(_ahead(clips), paths), sampling, model, features)
    rows = ((index, row if isinstance(row, Failed) else [row]) for index, row in answers)
    return ((paths[index], answer) for index, answer in _in_order(rows))


def predict_windows(paths, sampling, model, length, step, workers=None, watch=lambda seconds: None, features=False):
    """The same with a Row for each window of `length` seconds that begins every `step` seconds.

    watch: is called with the end of each window.
    """
    items = windows(dict(enumerate(paths)), sampling, length, step, workers)
    rows = _gathered(_classified(pool.tell_remarks(_ahead(items), paths), sampling, model, features), watch)
    return ((paths[index], answer) for index, answer in _in_order(rows))


def _gathered(answers, watch):
    """(index, rows or Failed) of each video, when its end has come through."""
    rows = {}
    for index, answer in answers:
        if isinstance(answer, Row):
            rows.setdefault(index, []).append(answer)
            watch(answer.end)
        else:
            of_video = rows.pop(index, [])
            yield index, of_video if isinstance(answer, Finished) else answer


def _classified(items, sampling, model, features):
    """Replaces the clip or Window in (index, item) by a Row, a batch at a time; ends of videos pass."""
    model = model()
    while batch := list(islice(items, BATCH)):
        places = [place for place, (_, item) in enumerate(batch) if not isinstance(item, Failed | Finished)]
        spans = [batch[place][1] for place in places]
        spans = [span if isinstance(span, Window) else Window(None, None, span) for span in spans]
        if spans:
            clips = np.stack([sampling.pick(span.clip) for span in spans])
            of_each = model.features(clips) if features else [None] * len(clips)
            for place, span, shares, units in zip(places, spans, model(clips), of_each, strict=True):
                batch[place] = batch[place][0], Row(span.start, span.end, shares, units)
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
