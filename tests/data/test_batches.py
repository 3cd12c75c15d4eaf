"""What the networks are fed: each clip once an epoch, batches of one size, clips that stay with their rows."""

from functools import partial

import numpy as np
import pytest

from actioncnn.data import batches

CLIPS = np.random.default_rng(0).integers(0, 256, (20, 6, 6, 3, 1), np.uint8)
ROWS = np.arange(2, 20)


@pytest.mark.parametrize(("count", "batch"), [(18, 5), (130, 128), (7, 7), (9, 1)])
def test_an_epoch_shows_each_training_clip_once(count, batch):
    steps = batches.steps_until(count, batch, 4)
    stream = [batches.training_places(count, batch, 0, step) for step in range(steps)]
    assert {len(places) for places in stream} == {batch} and steps == -(-4 * count // batch)
    seen = np.bincount(np.concatenate(stream), minlength=count)
    assert seen.min() == 4 and seen.sum() == steps * batch
    first = np.concatenate(stream[: batches.steps_until(count, batch, 1)])
    assert len(np.unique(first)) == count
    assert all((np.diff(places) >= 0).all() for places in stream)  # ascending in the file
    assert all(np.array_equal(a, batches.training_places(count, batch, 0, i)) for i, a in enumerate(stream))
    if count > 9:
        assert not np.array_equal(stream[0], batches.training_places(count, batch, 1, 0))


def test_test_clips_come_in_order_and_the_last_batch_is_filled():
    assert [batches.testing_places(5, 3, step).tolist() for step in (0, 1)] == [[0, 1, 2], [3, 4, 0]]


def elements(clips, steps, **parts):
    choose = partial(batches.training_places, len(ROWS), 6, 0)
    return list(batches.batches(clips, ROWS, choose, steps, **parts).as_numpy_iterator())


def test_clips_are_those_of_their_rows():
    for step, places, rows, clips in elements(CLIPS, range(3, 9)):
        assert np.array_equal(clips, CLIPS[rows]) and places.tolist() == list(range(6))
        assert np.array_equal(rows, ROWS[batches.training_places(18, 6, 0, step)])
    assert [element[0] for element in elements(CLIPS, range(3, 9))] == list(range(3, 9))
    assert all(element[3].size == 0 for element in elements(None, range(2)))


def test_parts_of_a_batch_are_the_batch():
    whole = elements(CLIPS, range(2))
    parts = [elements(CLIPS, range(2), part=part, parts=2) for part in (0, 1)]
    copies = elements(CLIPS, range(2), copies=3)
    for step, (_, places, rows, clips) in enumerate(whole):
        for cut in ([part[step] for part in parts], copies[3 * step : 3 * step + 3]):
            assert np.array_equal(np.concatenate([element[1] for element in cut]), places)
            assert np.array_equal(np.concatenate([element[2] for element in cut]), rows)
            assert np.array_equal(np.concatenate([element[3] for element in cut]), clips)
