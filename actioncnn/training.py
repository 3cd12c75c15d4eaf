"""Compile, fit, checkpoint, resume, evaluate: a network and arrays of clips in, a trained model and its history out."""

import contextlib
import json
import os
from pathlib import Path

import keras
import numpy as np
from tqdm import tqdm

from actioncnn.batches import evaluation_batches, training_batches, training_steps


def compile_model(model, recipe, steps, jit_compile):
    """Compiles for `steps` training steps in all by a recipes.Recipe; `jit_compile` as device.setup gave it."""
    rate = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, max(steps, 1), alpha=recipe.final)
    optimizer = keras.optimizers.Adam(rate)
    model.compile(optimizer, "categorical_crossentropy", metrics=["accuracy"], jit_compile=jit_compile)


def fit(build, data, recipe, *, batch, epochs, seed, jit_compile, checkpoint=None, on_epoch=None):
    """Trains build() on data.train, looks at data.test after each epoch (which chooses nothing) -> (model, history).

    data: clips uint8 (N, H, W, T, C), or frames (N, H, W, C), train, test (rows of clips), targets (N, nclass) one-hot.
    history: a list of dicts epoch, loss, acc, val_loss, val_acc.
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
        steps = done * per_epoch, epochs * per_epoch
        targets = data.targets[data.train]
        train = training_batches(data.clips, data.train, targets, recipe.augment, batch, seed, *steps)
        after = AfterEpoch(history, checkpoint, on_epoch, total=epochs * len(data.train), clips=len(data.train))
        model.fit(
            train,
            validation_data=evaluation_view(data, batch) if len(data.test) else None,
            epochs=epochs,
            initial_epoch=done,
            steps_per_epoch=per_epoch,
            callbacks=[DropoutSeeds(seed), after],
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
        generators = [
            layer.seed_generator for layer in self.model._flatten_layers() if hasattr(layer, "seed_generator")
        ]
        for place, generator in enumerate(generators):
            generator.state.assign(np.random.SeedSequence((self.seed, place, epoch)).generate_state(2))


class AfterEpoch(keras.callbacks.Callback):
    """Progress bar over clips; after each epoch the history grows, the checkpoint is written, on_epoch is called."""

    def __init__(self, history, checkpoint, on_epoch, total, clips):
        super().__init__()
        self.history, self.checkpoint, self.on_epoch = history, checkpoint, on_epoch
        self.total, self.clips = total, clips

    def on_train_begin(self, logs=None):
        self.bar = tqdm(
            total=self.total, initial=len(self.history) * self.clips, unit="clip", desc="training", mininterval=1
        )

    def on_train_batch_end(self, step, logs=None):
        place = len(self.history) * self.clips
        self.bar.update(place + min((step + 1) * self.params_batch(), self.clips) - self.bar.n)

    def params_batch(self):
        return -(-self.clips // self.params["steps"])

    def on_epoch_end(self, epoch, logs=None):
        names = {"loss": "loss", "acc": "accuracy", "val_loss": "val_loss", "val_acc": "val_accuracy"}
        row = {"epoch": epoch + 1} | {new: float(logs.get(old, np.nan)) for new, old in names.items()}
        self.history.append(row)
        self.bar.update(len(self.history) * self.clips - self.bar.n)
        self.bar.set_postfix({name: f"{row[name]:.3f}" for name in names})
        if not np.isfinite(row["loss"]):
            self.model.stop_training = True
        if self.checkpoint:
            save_checkpoint(self.model, self.history, self.checkpoint)
        if self.on_epoch:
            self.on_epoch(self.history)

    def on_train_end(self, logs=None):
        self.bar.close()


def save_checkpoint(model, history, path):
    """Weights, optimizer and history in one file that replaces the former one at once."""
    import h5py

    path = Path(path)
    temporary = path.with_name(f".{path.name}.weights.h5")
    model.save_weights(temporary)
    with h5py.File(temporary, "a") as file:
        file.attrs["history"] = json.dumps(history)
    temporary.replace(path)


def restore(model, path):
    """Takes weights and optimizer from a checkpoint -> its history."""
    import h5py

    model.optimizer.build(model.trainable_variables)
    link = Path(path).with_name(f".{Path(path).name}.read.weights.h5")  # Keras insists on this ending
    with contextlib.suppress(FileNotFoundError):
        link.unlink()
    os.link(path, link)
    try:
        model.load_weights(link)
    finally:
        link.unlink()
    with h5py.File(path) as file:
        return json.loads(file.attrs["history"])
