"""What is found: the class wins by other networks too, it is calm, it shows what was found."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from small_networks import SHAPE, bars, climb, ensemble, model_of, nested, odd_layers, recurrent, several_inputs

from actioncnn.model.layers import count_units, find_layer, input_shape, look, tree
from actioncnn.train import networks
from actioncnn.visualize import objectives, spectrum
from actioncnn.visualize.ascent import spread_shifts
from actioncnn.visualize.result import Settings, show

pytestmark = pytest.mark.slow


def test_class_wins_by_model_and_independent_judge(model, judge):
    for result in climb(model, "dense_1", [0, 1]):
        inputs = result.clip[None]
        assert model.predict(inputs, verbose=0)[0, result.unit] == pytest.approx(result.probability, abs=1e-4)
        assert result.probability > 0.95
        assert judge.predict(inputs, verbose=0)[0, result.unit] > 0.9
        assert result.winner == result.unit


def test_stronger_than_any_real_clip_and_calmer_than_the_limit(model):
    clips, labels = bars(100, 5)
    layer = model.get_layer("dense_1")
    for result in climb(model, "dense_1", [0, 1]):
        logits = objectives.measure(look(model, layer, clips), np.full(100, result.unit)).numpy()
        assert result.saved > logits.max()
        change = np.abs(np.diff(result.frames.astype(float), axis=2)).mean() / 255
        assert change < spectrum.FLICKER * 1.1


def test_a_longer_ascent_is_stronger_and_may_flicker_twice_as_much(model):
    short, long = (climb(model, "dense_1", [0], iterations=count)[0] for count in (20, 200))
    assert long.saved > short.saved
    change = np.abs(np.diff(long.frames.astype(float), axis=2)).mean() / 255
    assert 1.1 * spectrum.FLICKER < change < 2.2 * spectrum.FLICKER


def test_class_picture_moves_the_right_way(model):
    for result in climb(model, "dense_1", [0, 1]):
        frames = result.frames[..., 0].astype(float)
        ahead, back = (np.mean((frames[:, 2:-2, 1:] - np.roll(frames, s, 1)[:, 2:-2, :-1]) ** 2) for s in (1, -1))
        assert (ahead < back) == (result.unit == 1)


def test_more_iterations_are_better(model):
    short, long = (climb(model, "conv3d_2", [3], iterations=n)[0].saved for n in (5, 60))
    assert long > 1.1 * short


def test_saved_frames_show_what_was_found(model):
    for result in climb(model, "conv3d_1", range(8)):
        assert result.saved == pytest.approx(result.found, rel=0.01)
        seen = look(model, model.get_layer("conv3d_1"), result.frames[None].astype(np.float32))
        assert result.saved == pytest.approx(float(tf.reduce_mean(seen.output[..., result.unit])), rel=1e-5)


def test_one_unit_gives_the_same_alone_as_in_a_batch(model):
    alone, batch = climb(model, "dense_1", [1])[0], climb(model, "dense_1", [0, 1])[1]
    assert np.abs(alone.frames.astype(int) - batch.frames).mean() < 1
    assert not np.array_equal(alone.frames, climb(model, "dense_1", [1], seed=1)[0].frames)
    again = climb(model, "dense_1", [1])[0]
    assert np.array_equal(alone.frames, again.frames)


def test_restarts_keep_the_best(model):
    assert climb(model, "conv3d_2", [0], restarts=3)[0].saved >= climb(model, "conv3d_2", [0])[0].saved * 0.99


def test_no_smoothness_in_time_lets_it_flicker(model):
    calm, fast = (climb(model, "conv3d_1", [0], tv_time=t, contrast=2)[0].frames for t in (3, 0))
    assert np.abs(np.diff(fast.astype(float), axis=2)).mean() > 1.5 * np.abs(np.diff(calm.astype(float), axis=2)).mean()


def test_smoothness_in_space(model):
    rough, smooth = (climb(model, "conv3d_1", [0], tv=tv)[0].frames.astype(float) for tv in (0, 4))
    assert np.abs(np.diff(rough, axis=0)).mean() > np.abs(np.diff(smooth, axis=0)).mean()


def test_what_grows_need_not_shrink_again():
    """A unit that likes a ramp of light over the whole clip gets one: the film's end does not join its start."""
    model = keras.Sequential([keras.Input(SHAPE), layers.Conv3D(1, (3, 3, SHAPE[2]), name="ramp")])
    ramp = np.broadcast_to(np.linspace(-1, 1, SHAPE[2])[:, None, None], (3, 3, SHAPE[2], 1, 1))
    model.layers[0].set_weights([ramp.astype(np.float32), np.zeros(1)])
    light = climb(model, "ramp", [0])[0].clip.mean((0, 1, 3))
    assert (np.diff(light) > 0).all()


def test_shifts_are_spread_evenly():
    shifts = spread_shifts(Settings(iterations=360, jitter=3), frames=2)
    places, counts = np.unique(shifts[:, :2], axis=0, return_counts=True)
    assert len(places) == 36 and np.abs(shifts).max() == 3 and 7 <= counts.min() <= counts.max() <= 13
    for window in (2, 3):  # of pooling: each place in it counts alike
        assert np.ptp(np.bincount(shifts[:, 0] % window)) <= 12
    times, counts = np.unique(shifts[:, 2], return_counts=True)
    assert times.tolist() == [-2, -1, 0, 1] and np.ptp(counts) <= 2
    assert not spread_shifts(Settings(jitter=0), frames=2).any()


def test_shifts_make_what_is_found_robust(model):
    kept = {}
    for jitter in (0, 3):
        result = climb(model, "dense_1", [0], jitter=jitter)[0]
        moved = [np.roll(result.clip, (y, x), (0, 1)) for y in range(-2, 3) for x in range(-2, 3)]
        seen, _, _ = show(model_of(model), model.get_layer("dense_1"), [0] * 25, np.stack(moved))
        kept[jitter] = seen.min() / result.saved
    assert kept[3] > kept[0]


def test_input_range_of_models_without_rescaling():
    keras.utils.set_random_seed(0)
    model = networks.chain((16, 16, 3), [layers.Conv2D(4, 3, name="c"), layers.Flatten(), layers.Dense(3)])
    result = climb(model, "c", [2], (-1, 1))[0]
    assert result.clip.shape == (16, 16, 3) and np.abs(result.clip).max() <= 1 and result.clip.min() < -0.1
    assert result.frames.shape == (16, 16, 1, 3)


def test_unit_that_likes_edges_and_light_is_not_shown_as_an_even_white():
    kernel = (np.array([[-1, 0, 1]] * 3, np.float32) / 3 + 0.04)[..., None, None]
    conv = layers.Conv2D(1, 3, activation="relu", name="c")
    model = networks.chain((32, 32, 1), [layers.Rescaling(1 / 255), conv, layers.Flatten(), layers.Dense(2)])
    conv.set_weights([kernel, np.zeros(1)])
    assert climb(model, "c", [0])[0].frames.std() > 20


def test_dead_relu_comes_to_life():
    edge = np.array([[-1, 0, 1]] * 3, np.float32)[..., None, None] / 3
    conv = layers.Conv2D(1, 3, activation="relu", name="c")
    steps = [layers.Rescaling(1 / 255), conv, layers.MaxPooling2D(name="p"), layers.Flatten(), layers.Dense(2)]
    model = networks.chain((16, 16, 1), steps)
    conv.set_weights([edge, np.array([-0.25])])  # off for edges of less than a quarter of the range
    for name in "cp":
        result = climb(model, name, [0])[0]
        assert result.before == 0 and result.saved > 0.01


@pytest.mark.parametrize("build", [several_inputs, odd_layers, nested, recurrent, ensemble])
def test_every_layer_of_every_kind_of_model(build):
    keras.utils.set_random_seed(0)
    model = build()
    kept = {path: dict(vars(layer)) for path, layer in tree(model).items()}
    for path, layer in tree(model).items():
        last = count_units(model, layer) - 1
        result = climb(model, path, [last], iterations=2)[0]
        assert np.isfinite([result.before, result.found, result.saved]).all()
        assert result.unit == last and result.clip.shape == input_shape(model)
        assert vars(layer).get("call") is None and vars(layer).get("activation") is kept[path].get("activation")


def test_ensemble_is_a_class_output():
    keras.utils.set_random_seed(0)
    model = ensemble()
    layer = find_layer(model, "average_1")[1]
    seen = model_of(model).look(layer, tf.random.uniform((2, 8, 8, 4, 3), 0, 255, seed=1))
    assert len(seen.logits) == 2
    assert np.allclose(np.mean([tf.nn.softmax(logits) for logits in seen.logits], 0), seen.output, atol=1e-6)
    result = climb(model, "average_1", [1])[0]
    assert result.probability == pytest.approx(result.saved) and result.saved > result.before
