"""Evidence lies where the truth does, says what hiding would do, and is lost with the weights."""

import keras
import numpy as np
import pytest
import small_networks
from keras import layers
from small_networks import model_of

from actioncnn.explain import evidence as module
from actioncnn.explain.evidence import find_evidence


def shuffled(network):
    rng = np.random.default_rng(0)
    other = keras.models.clone_model(network.network)
    other.set_weights([rng.permutation(each.ravel()).reshape(each.shape) for each in network.network.get_weights()])
    return model_of(other)


def ranks(values):
    return np.argsort(np.argsort(values.ravel())).reshape(values.shape)


def test_evidence_is_on_what_moves(network, bars):
    shares, covered = [], []
    for clip, label in zip(*bars, strict=True):
        seen = np.maximum(find_evidence(network, clip, int(label)), 0)
        contrast = np.abs(np.moveaxis(clip[..., 0], 2, 0).astype(float) - 128) > 40  # the bar, the noise is 10
        shares.append(seen[contrast].sum() / seen.sum())
        covered.append(contrast.mean())
    assert np.mean(covered) < 0.35 and np.mean(shares) > 0.7


def test_hiding_the_evidence_costs_more_than_hiding_as_much_elsewhere(network, bars):
    lost = []
    for clip, label in zip(*bars, strict=True):
        order = ranks(find_evidence(network, clip, int(label)))
        shapes = [np.moveaxis(part, 0, 2)[..., None] for part in (order > 0.8 * order.size, order < 0.2 * order.size)]
        clips = np.stack([clip, *(np.where(part, clip.mean(), clip) for part in shapes)])
        shares = network(clips).astype(float)
        whole, without, other = np.log(shares[:, label] / shares[:, 1 - label])
        lost.append((whole - without, whole - other))
    assert np.mean(lost, 0)[0] > 4 and abs(np.mean(lost, 0)[1]) < 2


def test_evidence_is_lost_with_the_weights(network, bars):
    other = shuffled(network)
    alike = [
        np.corrcoef(*(find_evidence(each, clip, int(label)).ravel() for each in (network, other)))[0, 1]
        for clip, label in zip(*bars, strict=True)
    ]
    assert abs(np.nanmean(alike)) < 0.3


def test_for_one_class_is_against_the_other(network, bars):
    clip = bars[0][0]
    left, right = find_evidence(network, clip, 0), find_evidence(network, clip, 1)
    np.testing.assert_allclose(left, -right, atol=1e-4)
    np.testing.assert_allclose(find_evidence(network, clip, 0, against=1), left, atol=1e-4)
    np.testing.assert_array_equal(left, find_evidence(network, clip, 0))


def test_other_axes_and_ranges_change_nothing(network, bars):
    """A network that takes time first, mirrored, and 0 to 1."""
    inputs = keras.Input((6, 16, 16, 1))
    turned = layers.Rescaling(255.0)(layers.Permute((2, 3, 1, 4))(inputs))
    other = model_of(keras.Model(inputs, network.network(turned)), axes="THWC", range=[0, 1])
    shape = bars[0][0].shape
    assert np.array_equal(
        module.places_of(other, shape)[..., 0], np.moveaxis(np.arange(16 * 16 * 6).reshape(16, 16, 6), 2, 0)
    )
    values = module.in_clip(other, np.moveaxis(bars[0][0].astype(np.float32), 2, 0), shape)
    np.testing.assert_array_equal(values, np.moveaxis(bars[0][0][..., 0], 2, 0))


@pytest.mark.parametrize(
    "make, shape",
    [
        (small_networks.odd_layers, (12, 12, 4, 1)),
        (small_networks.nested, (12, 12, 3)),
        (small_networks.recurrent, (12, 12, 4, 1)),
        (small_networks.ensemble, (8, 8, 4, 3)),
        (small_networks.several_inputs, (12, 12, 4, 1)),
    ],
)
def test_any_model(make, shape):
    network = model_of(make())
    clip = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    found = find_evidence(network, clip, 0)
    assert found.dtype == np.float32 and found.shape == (shape[2] if len(shape) == 4 else 1, *shape[:2])
    assert np.isfinite(found).all() and (found != 0).any()


def test_a_large_clip_is_taken_in_parts(network, bars, monkeypatch):
    whole = find_evidence(network, bars[0][0], 0)
    monkeypatch.setattr(module, "VOXELS", 3 * bars[0][0].size)
    np.testing.assert_allclose(find_evidence(network, bars[0][0], 0), whole, atol=1e-4)


def test_masks_show_each_part_as_often_as_they_hide_it():
    shown = module.masks(16, 16, 6)
    assert shown.shape == (2 * module.PAIRS, 16, 16, 6) and shown.min() >= 0 and shown.max() <= 1
    np.testing.assert_allclose(shown.mean(0), 0.5, atol=1e-6)
    assert len({part.tobytes() for part in shown}) == len(shown)


def test_the_filter_keeps_edges():
    guide = np.zeros((3, 20, 20), np.float32)
    guide[:, :, 10:] = 200
    noisy = guide / 200 + np.random.default_rng(0).normal(0, 0.3, guide.shape).astype(np.float32)
    smooth = module.guided(noisy, guide)
    assert smooth[:, :, 10:].std() < 0.1 and smooth[:, :, 10].mean() - smooth[:, :, 9].mean() > 0.8
