"""Training learns, repeats itself, and goes on after an interruption as if there had been none."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import ROOT, data_of
from keras import layers

from actioncnn import device
from actioncnn.cli import bar
from actioncnn.errors import UserError
from actioncnn.runs.checkpoint import Checkpoint
from actioncnn.train import loop, networks
from actioncnn.train.recipes import Augment, Recipe
from actioncnn.train.source import Source

DEVICE = device.setup("float32")
RECIPE = Recipe("muon", 3e-3, final=0.2, average=0.3, augment=Augment(flip=True, light=0.2))


def brightness_task(count=48):
    """Clips that are dark or bright: learned in a few steps."""
    rng = np.random.default_rng(0)
    label = np.arange(count) % 2
    clips = (rng.integers(0, 120, (count, 8, 8, 4, 1)) + 100 * label[:, None, None, None, None]).astype(np.uint8)
    return data_of(clips, label, range(32), range(32, count))


def small(instead=None):
    layer = networks.numbered(instead)
    steps = [layer(layers.Rescaling, 1 / 127.5, -1), layer(layers.Conv3D, 4, 3, padding="same")]
    steps += [layer(layers.BatchNormalization, momentum=0.5), layer(layers.Flatten), layer(layers.Dropout, 0.3)]
    return networks.chain((8, 8, 4, 1), [*steps, layer(layers.Dense, 2, activation="softmax", dtype="float32")])


def fit(epochs=6, seed=3, **more):
    return loop.fit(small, brightness_task(), RECIPE, batch=8, epochs=epochs, seed=seed, device=DEVICE, **more)


@pytest.fixture(scope="module")
def whole():
    return fit()


def test_it_learns(whole):
    model, history = whole
    assert [row["epoch"] for row in history] == [1, 2, 3, 4, 5, 6]
    assert history[-1]["val_acc"] >= 0.9 and history[-1]["val_loss"] < history[0]["val_loss"]
    data = brightness_task()
    truth = data.labels(data.test)
    assert (loop.predict(model, data, 5, DEVICE).argmax(1) == truth).mean() >= 0.9


@pytest.mark.slow
def test_same_seed_same_result(whole):
    model, history = fit()
    assert history == whole[1]
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), whole[0].get_weights(), strict=True))
    assert fit(epochs=1, seed=4)[1][0]["loss"] != history[0]["loss"]


COMPILED = """
import sys
sys.path[:0] = [{root!r}, {root!r} + "/tests", {root!r} + "/tests/train"]
import test_loop
from actioncnn import device
device.WORTH_COMPILING = 0
test_loop.DEVICE = test_loop.DEVICE._replace(jit_compile=True)
print(*test_loop.fit(epochs=1)[1][0].values())
"""


@pytest.mark.slow
@pytest.mark.parametrize("flags", ["", "--tf_xla_persistent_cache_directory=/proc/nothing"])
def test_compiled_steps_learn_and_xla_may_fail(tmp_path, flags):
    line = [sys.executable, "-c", COMPILED.format(root=str(ROOT))]
    environment = os.environ | {"TF_XLA_FLAGS": flags}
    done = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    figures = [float(word) for word in done.stdout.split()]
    assert figures[-1] >= 0.9 and ("XLA fails" in done.stderr) == bool(flags)
    if flags:  # XLA draws other random numbers
        assert np.allclose(figures, list(fit(epochs=1)[1][0].values()), atol=1e-3)


class Killed(Exception):
    pass


@pytest.mark.slow
@pytest.mark.parametrize("after", [1, 4])
def test_a_resumed_run_equals_an_uninterrupted_one(whole, tmp_path, after, monkeypatch):
    monkeypatch.setattr(loop, "EVERY", 0)

    def kill(history):
        if len(history) == after:
            raise Killed

    checkpoint = Checkpoint(tmp_path / "checkpoint.h5", "this run")
    with pytest.raises(Killed):
        fit(checkpoint=checkpoint, on_epoch=kill)
    model, history = fit(checkpoint=checkpoint)
    assert history == whole[1]
    networks = zip(model.get_weights(), whole[0].get_weights(), strict=True)
    assert all(np.array_equal(a, b) for a, b in networks if a.dtype == np.float32)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint.h5"]


def test_the_bar_counts_clips(monkeypatch):
    counted, make = [], loop.bar

    def counting(**options):
        progress = make(**options)
        update = progress.update
        monkeypatch.setattr(progress, "update", lambda n: counted.append(n) or update(n))
        return progress

    monkeypatch.setattr(loop, "bar", counting)
    loop.fit(small, brightness_task(), RECIPE, batch=24, epochs=2, seed=0, device=DEVICE)
    assert sum(counted) == 2 * 32 and 24 in counted


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_is_left_behind(policy):
    keras.config.set_dtype_policy(policy)
    try:
        model, history = fit(epochs=1)
        plain = loop.in_float32(small, model)
    finally:
        keras.config.set_dtype_policy("float32")
    assert {layer.compute_dtype for layer in plain.layers} == {"float32"} and np.isfinite(history[0]["loss"])


def test_class_weights_make_classes_count_alike():
    weights = loop.class_weights(np.eye(4, dtype=np.float32)[[0] * 6 + [1] * 3 + [3] * 3])
    assert weights.tolist() == pytest.approx([2 / 3, 4 / 3, 0, 4 / 3])


def test_balance_weighs_classes_by_their_rarity():
    """Clips tell nothing, so a network learns how often a class counts: a sixth, or, balanced, half."""
    label = (np.arange(48) % 6 == 0).astype(int)
    data = data_of(np.full((48, 8, 8, 4, 1), 90, np.uint8), label, range(48), [0])
    how = {"batch": 24, "epochs": 15, "seed": 0, "device": DEVICE}
    recipe = Recipe(learning_rate=0.003, augment=Augment())

    def bias(instead=None):
        layer = networks.numbered(instead)
        steps = [layer(layers.Rescaling, 1 / 255), layer(layers.Flatten)]
        return networks.chain((8, 8, 4, 1), [*steps, layer(layers.Dense, 2, "softmax", kernel_initializer="zeros")])

    rare = [loop.predict(loop.fit(bias, data, recipe, balance=on, **how)[0], data, 1, DEVICE)[0, 1] for on in (0, 1)]
    assert rare == pytest.approx([1 / 6, 1 / 2], abs=0.08)


def test_weights_are_the_mean_and_statistics_are_theirs():
    """A step an epoch, each of all clips as they are: so both can be computed by hand."""
    data, epochs = brightness_task(), 5
    recipe = Recipe(learning_rate=0.01, final=1, average=0.4, augment=Augment())
    trainer = loop.Trainer(small, data, recipe, len(data.train), epochs, 0, DEVICE)
    convolution, norm = trainer.model.layers[2:4]
    momentum, mean = 1 - 1 / (0.4 * epochs), None
    for epoch in range(epochs):
        trainer.train_epoch(epoch, bar(total=epochs * len(data.train), disable=True))
        kernel = convolution.kernel.numpy()
        mean = kernel if mean is None else momentum * mean + (1 - momentum) * kernel
    assert not np.allclose(mean, kernel, atol=1e-3)
    trainer.average_weights()
    np.testing.assert_allclose(convolution.kernel.numpy(), mean, atol=1e-6)
    outputs = convolution(data.clips[data.train].astype(np.float32) / 127.5 - 1).numpy()
    np.testing.assert_allclose(norm.moving_mean.numpy(), outputs.mean((0, 1, 2, 3)), atol=1e-4)
    np.testing.assert_allclose(norm.moving_variance.numpy(), outputs.var((0, 1, 2, 3)), atol=1e-4)
    assert norm.momentum == 0.5


def test_checkpoints_and_curves_are_some_seconds_apart(monkeypatch, tmp_path):
    told, saved = [], []
    monkeypatch.setattr(Checkpoint, "save", lambda self, state, history: saved.append(len(history)))
    how = {"checkpoint": Checkpoint(tmp_path / "none", ""), "on_epoch": lambda history: told.append(len(history))}
    fit(epochs=4, **how)
    monkeypatch.setattr(loop, "EVERY", 0)
    fit(epochs=3, **how)
    assert saved == told == [1, 4, 1, 2, 3]


def test_a_loss_that_is_no_number_is_not_saved(monkeypatch, tmp_path):
    """The third epoch breaks the weights: the checkpoint is that of the second."""
    monkeypatch.setattr(loop, "EVERY", 0)
    train_epoch, told = loop.Trainer.train_epoch, []

    def broken(self, epoch, progress):
        if epoch == 2:
            self.model.layers[2].kernel.assign(np.full(self.model.layers[2].kernel.shape, np.nan))
        return train_epoch(self, epoch, progress)

    monkeypatch.setattr(loop.Trainer, "train_epoch", broken)
    checkpoint = Checkpoint(tmp_path / "checkpoint.h5", "this run")
    with pytest.raises(UserError, match="--learning-rate"):
        fit(checkpoint=checkpoint, on_epoch=lambda history: told.append(len(history)))
    assert told == [1, 2, 3]
    trainer = loop.Trainer(small, brightness_task(), RECIPE, 8, 6, 3, DEVICE)
    assert len(trainer.restore(checkpoint, 6)) == 2
    assert all(np.isfinite(each.numpy()).all() for each in trainer.state)


def test_a_full_gpu_costs_the_place_of_the_clips(monkeypatch, capsys):
    """Where the set does not fit beside the network after all, or not at all, it stays in the computer's memory."""
    train_epoch, hold = loop.Trainer.train_epoch, Source.on_each_device
    resident = DEVICE._replace(memory=1 << 40)

    def full(self, epoch, progress):
        if self.source.clips:
            raise tf.errors.ResourceExhaustedError(None, None, "out of memory")
        return train_epoch(self, epoch, progress)

    monkeypatch.setattr(loop.Trainer, "train_epoch", full)
    options = {"batch": 8, "epochs": 2, "seed": 3}
    _, expected = loop.fit(small, brightness_task(), RECIPE, device=DEVICE, **options)
    _, history = loop.fit(small, brightness_task(), RECIPE, device=resident, **options)
    assert history == expected and "memory is full" in capsys.readouterr().err

    def no_room(self, array):
        if array.dtype == np.uint8:
            raise tf.errors.ResourceExhaustedError(None, None, "out of memory")
        return hold(self, array)

    monkeypatch.setattr(Source, "on_each_device", no_room)
    _, history = loop.fit(small, brightness_task(), RECIPE, device=resident, **options)
    assert history == expected and "do not fit" in capsys.readouterr().err


def test_clips_on_the_device_are_those_of_the_array(whole):
    _, history = loop.fit(
        small, brightness_task(), RECIPE, batch=8, epochs=6, seed=3, device=DEVICE._replace(memory=1 << 40)
    )
    assert history == whole[1]
