"""The test of the order of frames: what is changed, and what is said of it."""

import numpy as np
import pytest

from actioncnn.explain import order

CLIPS = np.random.default_rng(0).integers(0, 256, (6, 4, 4, 5, 1), np.uint8)


def brightness_rises(clips):
    """A network that sees motion: sure of class 1 where the last frame is brighter than the first."""
    change = clips[:, :, :, -1].mean((1, 2, 3)) - clips[:, :, :, 0].mean((1, 2, 3))
    share = 1 / (1 + np.exp(-np.asarray(change, float)))
    return np.stack([1 - share, share], 1)


def is_bright(clips):
    """One that does not."""
    share = (clips.mean((1, 2, 3, 4)) > 128).astype(float)
    return np.stack([1 - share, share], 1)


def rising(count, depth=8):
    light = np.arange(depth)[None] * np.where(np.arange(count) % 2, 10, -10)[:, None] + 128
    return np.broadcast_to(light[:, None, None, :, None], (count, 4, 4, depth, 1)).astype(np.uint8), np.arange(
        count
    ) % 2


def test_shuffled_clips_hold_the_same_frames_in_another_order():
    mixed = order.shuffled(CLIPS, 0)
    for before, after in zip(CLIPS, mixed, strict=True):
        frames = [sorted(clip[:, :, t].tobytes() for t in range(5)) for clip in (before, after)]
        assert frames[0] == frames[1] and not np.array_equal(before, after)
    assert not np.array_equal(mixed, order.shuffled(CLIPS, 1))
    assert np.array_equal(order.shuffled(CLIPS[:, :, :, :2], 3), CLIPS[:, :, :, 1::-1])  # the only other order
    assert np.array_equal(order.shuffled(CLIPS[:, :, :, :1], 3), CLIPS[:, :, :, :1])


def test_without_ground_only_what_changes_is_left():
    clips = np.repeat(CLIPS[:, :, :, :1], 5, 3)
    left = order.without_ground(clips)
    assert np.ptp(left, axis=(1, 2, 3, 4)).max() < 1e-3
    np.testing.assert_allclose(left.mean((1, 2, 3, 4)), clips.mean((1, 2, 3, 4)), rtol=1e-5)


def test_a_network_that_sees_motion():
    clips, labels = rising(40)
    rows = {row.name: row for row in order.motion(brightness_rises, clips, labels)}
    assert rows["as it is"].right.mean() == 1 and rows["reversed"].right.mean() == 0
    assert 0.2 < rows["shuffled"].right.mean() < 0.8 and rows["without ground"].right.mean() == 1
    assert rows["one frame"].probability.mean() == pytest.approx(0.5)
    shuffled = rows["shuffled"]
    assert (shuffled.least <= shuffled.probability).all() and (shuffled.probability <= shuffled.most).all()
    said = order.verdict_of_many(list(rows.values()), labels, range(40))
    assert "depend on the order of the frames" in said and "accuracy 100.0%" in said


def test_a_network_that_does_not():
    rng, groups = np.random.default_rng(0), range(80)
    labels = np.arange(80) % 2
    clips = (60 + 120 * labels[:, None, None, None, None] + rng.integers(0, 9, (80, 4, 4, 8, 1))).astype(np.uint8)
    rows = order.motion(is_bright, clips, labels)
    assert all(row.right.mean() == 1 for row in rows if row.name in ("as it is", "reversed", "shuffled"))
    assert "does not see motion" in order.verdict_of_many(rows, labels, groups)
    mixed = rng.permutation(labels)
    assert "chance" in order.verdict_of_many(order.motion(is_bright, clips, mixed), mixed, groups)


def test_one_clip_without_a_label():
    clips, _ = rising(1)
    rows = order.motion(brightness_rises, clips)
    assert rows[0].right[0] == 1 and rows[0].probability[0] > 0.9  # held to its own answer
    assert "depends on the order" in order.verdict(rows, 2) or "hardly" in order.verdict(rows, 2)
    assert "hardly" in order.verdict(order.motion(is_bright, clips), 2)


def row(name, *shares):
    shares = np.array(shares, float)
    return order.Row(name, shares, shares > 0.5, shares, shares)


@pytest.mark.parametrize(
    ("before", "after", "nclass", "words"),
    [
        (0.9, 0.1, 10, "depends on the order"),
        (0.9, 0.8, 10, "hardly depends"),
        (0.6, 0.5, 2, "depends on the order"),  # all that it has above chance is lost
        (0.9, 0.6, 2, "depends on the order"),
        (0.9, 0.8, 2, "hardly depends"),
        (0.0, 0.0, 10, "tells nothing of this class"),  # it is not taken for the class at all
        (0.1, 0.3, 10, "tells nothing of this class"),
    ],
)
def test_one_clip_is_measured_against_chance(before, after, nclass, words):
    verdict = order.verdict([row("as it is", before), row("shuffled", after)], nclass)
    assert words in verdict and ("hardly" in verdict) == ("hardly" in words)


def test_batches_make_no_difference(monkeypatch):
    clips, labels = rising(9)
    whole, seen = order.motion(brightness_rises, clips, labels), []
    monkeypatch.setattr(order, "BATCH", 9)
    again = order.motion(brightness_rises, clips, labels, seen.append)
    assert sum(seen) == 9 * (1 + 1 + order.SEEDS + 8 + 1)
    for a, b in zip(whole, again, strict=True):
        np.testing.assert_array_equal(a.probability, b.probability)


def test_table_has_a_line_for_each_way():
    clips, labels = rising(4)
    rows = order.motion(brightness_rises, clips, labels)
    lines = order.table(rows, True)
    assert len(lines) == len(rows) + 1 and "100.0%" in lines[1] and "0.0%" in lines[2]


def test_the_figure_has_a_line_at_chance_and_the_verdict():
    clips, labels = rising(8)
    rows = order.motion(brightness_rises, clips, labels)
    figure = order.figure(rows, "8 clips", "These clips cannot tell.", 0.5)
    assert any(set(line.get_xdata()) == {0.5} for line in figure.axes[0].lines)
    words = " ".join(text.get_text() for text in figure.texts)
    assert "These clips cannot tell." in words and "without ground:" in words
