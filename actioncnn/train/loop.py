"""Compile, fit, checkpoint, resume, evaluate: a network and arrays of clips in, a trained model and its history out."""

import json
import tempfile
from functools import partial
from pathlib import Path

import keras
import numpy as np
from tqdm import tqdm

from actioncnn import files
from actioncnn.data.batches import evaluation_batches, training_batches, training_steps
from actioncnn.modelfile.io import KERAS_ENDING, linked
from actioncnn.train.augment import augment


def compile_model(model, recipe, steps, jit_compile):
    """Compiles for `steps` training steps in all by a recipes.Recipe; `jit_compile` as device.setup gave it."""
    optimizer = keras.optimizers.Adam(learning_rate(recipe, steps))
    model.compile(optimizer, "categorical_crossentropy", metrics=["accuracy"], jit_compile=jit_compile)


def learning_rate(recipe, steps):
    """The rate as a function of the step, of `steps` in all."""
    return keras.optimizers.schedules.CosineDecay(recipe.learning_rate, max(steps, 1), alpha=recipe.final)


def fit(build, data, recipe, *, batch, epochs, seed, jit_compile, checkpoint=None, on_epoch=None):
    """Trains build() on data.train, looks at data.test after each epoch (which chooses nothing) -> (model, history).

    data: a dataset.Data. history: a list of dicts epoch, loss, acc, val_loss, val_acc.
    checkpoint: path of a file that holds the state after the last whole epoch; where it exists training goes on from
    there, to the same result as if it had never stopped. on_epoch(history) is called after each epoch.
    """
    keras.utils.set_random_seed(seed)
    model = build()
    per_epoch = training_steps(len(data.train), batch)
    compile_model(model, recipe, per_epoch * epochs, jit_compile)
    history = restore(model, checkpoint) if checkpoint and Path(checkpoint).exists() else []
    done = len(history)
    if done < epochs:
        vary, targets = partial(augment, recipe.augment), data.targets[data.train]
        steps = done * per_epoch, epochs * per_epoch
        bar = Progress(history, epochs, len(data.train), batch)
        callbacks = [DropoutSeeds(seed), bar, AfterEpoch(history, checkpoint, on_epoch)]
        model.fit(
            training_batches(data.clips, data.train, targets, vary, batch, seed, *steps),
            validation_data=evaluation_view(data, batch) if len(data.test) else None,
            epochs=epochs,
            initial_epoch=done,
            steps_per_epoch=per_epoch,
            callbacks=callbacks,
            shuffle=False,  # the batches are shuffled already
            verbose=0,
        )
    return model, history


def evaluation_view(data, batch):
    return evaluation_batches(data.clips, data.test, data.targets[data.test], batch)


def predict(model, data, batch):
    """Probabilities of the test clips, float32 (len(data.test), nclass)."""
    return model.predict(evaluation_view(data, batch), verbose=0)


def in_float32(build, model):
    """The same network without mixed precision, optimizer or compiled steps: what is saved, tested and averaged."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    plain = build()
    keras.config.set_dtype_policy(policy)
    plain.set_weights(model.get_weights())
    return plain


class DropoutSeeds(keras.callbacks.Callback):
    """Dropout's random numbers follow from (seed, layer, epoch), so that a resumed run draws the same ones."""

    def __init__(self, seed):
        super().__init__()
        self.seed = seed

    def on_epoch_begin(self, epoch, logs=None):
        generators = [layer.seed_generator for layer in self.model.layers if hasattr(layer, "seed_generator")]
        for place, generator in enumerate(generators):
            generator.state.assign(np.random.SeedSequence((self.seed, place, epoch)).generate_state(2))


class Progress(keras.callbacks.Callback):
    """A bar over the training clips of all epochs, with the figures of the last one."""

    def __init__(self, history, epochs, clips, batch):
        super().__init__()
        self.history, self.epochs, self.clips, self.batch = history, epochs, clips, batch

    def on_train_begin(self, logs=None):
        done, total = len(self.history) * self.clips, self.epochs * self.clips
        self.bar = tqdm(total=total, initial=done, unit="clip", desc="training", mininterval=1)

    def on_train_batch_end(self, step, logs=None):
        self.bar.update(min(self.batch, self.clips - step * self.batch))

    def on_epoch_end(self, epoch, logs=None):
        self.bar.set_postfix({name: f"{value:.3f}" for name, value in figures(logs).items()})

    def on_train_end(self, logs=None):
        self.bar.close()


class AfterEpoch(keras.callbacks.Callback):
    """After each epoch the history grows, the checkpoint is written, on_epoch is called."""

    def __init__(self, history, checkpoint, on_epoch):
        super().__init__()
        self.history, self.checkpoint, self.on_epoch = history, checkpoint, on_epoch

    def on_epoch_end(self, epoch, logs=None):
        self.history.append({"epoch": epoch + 1} | figures(logs))
        if not np.isfinite(self.history[-1]["loss"]):
            self.model.stop_training = True
        if self.checkpoint:
            save_checkpoint(self.model, self.history, self.checkpoint)
        if self.on_epoch:
            self.on_epoch(self.history)


def figures(logs):
    """Keras's figures of an epoch under the names of 2017; nan without validation."""
    names = {"loss": "loss", "acc": "accuracy", "val_loss": "val_loss", "val_acc": "val_accuracy"}
    return {ours: float(logs.get(keras_name, np.nan)) for ours, keras_name in names.items()}


def save_checkpoint(model, history, path):
    """Weights, optimizer and history in one file that replaces the former one at once."""
    import h5py

    with files.replaced(path, KERAS_ENDING) as new:
        model.save_weights(new)
        with h5py.File(new, "a") as file:
            file.attrs["history"] = json.dumps(history)


def restore(model, path):
    """Takes weights and optimizer from a checkpoint -> its history."""
    import h5py

    model.optimizer.build(model.trainable_variables)
    with tempfile.TemporaryDirectory() as folder:
        model.load_weights(linked(path, folder))
    with h5py.File(path) as file:
        return json.loads(file.attrs["history"])
