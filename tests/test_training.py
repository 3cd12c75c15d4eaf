"""Training learns, repeats itself, and goes on after an interruption as if there had been none."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers

from actioncnn import models, training
from actioncnn.batches import Augment
from actioncnn.recipes import Recipe

RECIPE = Recipe(learning_rate=3e-3, augment=Augment(flip=True, light=0.2))


def brightness_task(count=48):
    """Clips that are dark or bright: learned in a few steps."""
    rng = np.random.default_rng(0)
    label = np.arange(count) % 2
    clips = (rng.integers(0, 120, (count, 8, 8, 4, 1)) + 100 * label[:, None, None, None, None]).astype(np.uint8)
    rows = np.arange(count)
    targets = np.eye(2, dtype=np.float32)[label]
    return SimpleNamespace(clips=clips, train=rows[:32], test=rows[32:], targets=targets)


def small():
    steps = [
        layers.Rescaling(1 / 127.5, -1),
        layers.Conv3D(4, 3, padding="same"),
        layers.BatchNormalization(momentum=0.5),
    ]
    steps += [layers.Flatten(), layers.Dropout(0.3), layers.Dense(2, activation="softmax")]
    return models.chain((8, 8, 4, 1), steps)


def fit(epochs=6, seed=3, **more):
    return training.fit(small, brightness_task(), RECIPE, batch=8, epochs=epochs, seed=seed, jit_compile=False, **more)


@pytest.fixture(scope="module")
def whole():
    return fit()


def test_it_learns(whole):
    model, history = whole
    assert [row["epoch"] for row in history] == [1, 2, 3, 4, 5, 6]
    assert history[-1]["val_acc"] >= 0.9 and history[-1]["val_loss"] < history[0]["val_loss"]
    data = brightness_task()
    truth = data.targets[data.test].argmax(1)
    assert (training.predict(model, data, 5).argmax(1) == truth).mean() >= 0.9


def test_same_seed_same_result(whole):
    model, history = fit()
    assert history == whole[1]
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), whole[0].get_weights(), strict=True))
    assert fit(epochs=1, seed=4)[1][0]["loss"] != history[0]["loss"]


class Killed(Exception):
    pass


@pytest.mark.parametrize("after", [1, 4])
def test_a_resumed_run_equals_an_uninterrupted_one(whole, tmp_path, after):
    def kill(history):
        if len(history) == after:
            raise Killed

    checkpoint = tmp_path / "checkpoint.h5"
    with pytest.raises(Killed):
        fit(checkpoint=checkpoint, on_epoch=kill)
    model, history = fit(checkpoint=checkpoint)
    assert history == whole[1]
    networks = zip(model.get_weights(), whole[0].get_weights(), strict=True)
    assert all(np.array_equal(a, b) for a, b in networks if a.dtype == np.float32)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint.h5"]


def test_schedule_decays_or_stays():
    model = small()
    for final, expected in ((0, [1, 0.5, 0]), (1, [1, 1, 1])):
        training.compile_model(model, Recipe(learning_rate=1.0, final=final), 100, False)
        rate = [float(model.optimizer._learning_rate(step)) for step in (0, 50, 100)]
        assert rate == pytest.approx(expected, abs=1e-3)


def test_mixed_precision_is_left_behind():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model, history = fit(epochs=1)
        plain = training.in_float32(small, model)
    finally:
        keras.config.set_dtype_policy("float32")
    assert {layer.compute_dtype for layer in plain.layers} == {"float32"} and np.isfinite(history[0]["loss"])


def test_names_and_shapes_of_the_networks():
    for build, shape in (
        (models.cnn3d, (32, 32, 10, 1)),
        (models.cnn2d, (32, 32, 3)),
        (models.my_model, (32, 32, 10, 3)),
    ):
        model = build(shape, 7)
        assert model.input_shape[1:] == shape and model.output_shape == (None, 7)
    names = [layer.name for layer in models.cnn3d((32, 32, 10, 1), 7).layers]
    assert {"conv3d_1", "conv3d_4", "max_pooling3d_2", "dropout_3", "dense_1", "dense_2"} <= set(names)
    assert models.my_model((32, 32, 10, 1), 101).count_params() < models.cnn3d((32, 32, 10, 1), 101).count_params()


def test_the_ensemble_is_the_mean():
    clips = np.random.default_rng(0).uniform(0, 255, (3, 8, 8, 4, 1)).astype(np.float32)
    members = [models.cnn3d((8, 8, 4, 1), 5) for _ in range(3)]
    merged = models.average(members)
    assert np.allclose(merged(clips), np.mean([member(clips) for member in members], axis=0), atol=1e-6)
    assert len(merged.inputs) == 1


def test_my_model_sees_what_moves():
    model = models.my_model((8, 8, 4, 1), 3)
    seen = keras.Model(model.input, model.get_layer("subtract_1").output)
    clips = np.random.default_rng(0).uniform(0, 255, (2, 8, 8, 4, 1)).astype(np.float32)
    clips[0] = clips[0, :, :, :1]
    still, moving = seen(clips).numpy()
    assert np.abs(still).max() < 1e-5 and np.abs(moving).max() > 0.5 and np.abs(moving.mean(0)).max() < 1e-5
