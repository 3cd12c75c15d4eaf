"""Frames of test clips in another order."""

import numpy as np

from actioncnn.train.unordered import without_order

CLIPS = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3, 1), np.uint8)


def test_without_order_a_network_sees_the_same_frames_in_another_order():
    seen = without_order(lambda clips, training: clips, 0)(CLIPS, training=False).numpy()
    orders = set()
    for clip, mixed in zip(CLIPS, seen, strict=True):
        places = [next(i for i in range(3) if np.array_equal(mixed[:, :, t], clip[:, :, i])) for t in range(3)]
        assert sorted(places) == [0, 1, 2]
        orders.add(tuple(places))
    assert len(orders) > 3
