"""Fit, checkpoint, resume, evaluate: a network and arrays of clips in, a trained model and its history out.

A loop of our own in place of Model.fit: several steps a call, batches of one size, each a function of (seed, step), on
one device or on many. `tf.distribute` divides each batch among copies of the network; one device has one copy.
"""

import contextlib
import time
from functools import partial

import keras
import numpy as np
import tensorflow as tf

from actioncnn.cli import bar, warn
from actioncnn.data import batches
from actioncnn.data.store import check_whole
from actioncnn.device import check_step
from actioncnn.errors import UserError, one_line
from actioncnn.train import averaging, optimizer
from actioncnn.train.augment import augment, draw
from actioncnn.train.repeatable import IN_TRAINING, Dropout
from actioncnn.train.source import Source

CALL = 0.3  # seconds that the steps of one call last, about: the bar stays alive, and calls cost nothing
MOST = 64  # steps of a call; on several machines 1: they wait for ever for one whose calls have another number


def fit(build, data, recipe, *, batch, epochs, seed, device, checkpoint=None, on_epoch=None, balance=False):
    """Trains build(instead=...) on data.train, looks at data.test after each epoch (which chooses nothing).

    data: a dataset.Data. device: of device.setup. Returns (model, history); history: a list of dicts epoch, loss, acc,
    val_loss, val_acc. checkpoint: a Checkpoint that holds the state after the last whole epoch; where it exists
    training goes on from there, to the same result as if it had never stopped. on_epoch(history) is called after each.
    balance: the loss that is trained on weighs classes by class_weights.
    """
    count = len(data.train)
    batch = device.whole_batch(min(batch, count))
    trainer = Trainer(build, data, recipe, batch, epochs, seed, device, balance)
    with device.strategy.scope():
        history = checkpoint.restore(trainer.model, epochs) if checkpoint else []
    seen = len(history) * count
    progress = bar(total=epochs * count, initial=seen, unit="clip", desc="training", disable=not device.chief)
    with progress, in_one_line(data):
        while len(history) < epochs:
            done = len(history)
            figures = trainer.train_epoch(done, progress)
            if done + 1 == epochs:
                trainer.average_weights()
            figures |= trainer.validate()
            history.append({"epoch": done + 1} | figures)
            progress.set_postfix({name: f"{value:.3f}" for name, value in figures.items()}, refresh=False)
            if checkpoint and device.chief:
                checkpoint.save(trainer.model, history)
            if on_epoch and device.chief:
                on_epoch(history)
            if not np.isfinite(figures["loss"]):
                break
    return trainer.model, history


@contextlib.contextmanager
def in_one_line(data):
    """What TensorFlow says where another machine of a cluster, or the clips, have gone becomes one line."""
    try:
        yield
    except tf.errors.OpError as error:
        check_whole(data.stored)
        if isinstance(error, tf.errors.UnavailableError | tf.errors.AbortedError | tf.errors.DeadlineExceededError):
            problem = "another machine of TF_CONFIG has ended or cannot be reached"
            raise UserError(f"{problem}; start all of them again, with --resume True") from error
        raise


class Trainer:
    """The compiled steps of one training."""

    def __init__(self, build, data, recipe, batch, epochs, seed, device, balance=False):
        self.data, self.recipe, self.batch, self.seed, self.device = data, recipe, batch, seed, device
        self.weights = class_weights(data.targets[data.train]) if balance else None
        keras.utils.set_random_seed(seed)
        with device.strategy.scope():
            self.model = build(instead=IN_TRAINING)
            steps = batches.steps_until(len(data.train), batch, epochs)
            self.model.compile(optimizer.make(recipe, steps))
            self.model.optimizer.build(self.model.trainable_variables)
        if device.name.startswith("CPU"):  # a GPU says so itself
            check_step(self.model, batch)
        self.dropouts = [layer for layer in self.model.layers if isinstance(layer, Dropout)]
        for place, layer in enumerate(self.dropouts):
            layer.key = (seed << 10) + place + 1
        self.source = Source(data, device)
        self.predict = Predictor(self.model, self.source, batch)
        self.call_steps, self.most = 1, MOST if device.machines == 1 else 1
        self.compiled = device.compiles(len(data.train) * epochs)
        self._compiled_step = tf.function(self._step, jit_compile=True, autograph=False)

    def _varied(self, step, places, clips):
        of_step = self.seed, step, places, self.batch
        clips = clips if self.data.doubled is None else draw(clips, *of_step)
        return augment(clips, self.recipe.augment, *of_step)

    def _step(self, step, places, clips, targets):
        """One step of one copy of the network -> its sum of losses, its number of right clips."""
        clips = self._varied(step, places, clips)
        for layer in self.dropouts:
            layer.step = step
        with tf.GradientTape() as tape:
            probabilities = self.model(clips, training=True)
            losses = keras.losses.categorical_crossentropy(targets, probabilities)
            if self.weights is not None:
                losses *= tf.linalg.matvec(targets, self.weights)
            loss = self.model.optimizer.scale_loss(tf.reduce_sum(losses) / self.batch)
        variables = self.model.trainable_variables
        self.model.optimizer.apply(tape.gradient(loss, variables), variables)
        return tf.reduce_sum(losses), tf.reduce_sum(hits(targets, probabilities))

    @tf.function(autograph=False)
    def _steps(self, iterator, count, compiled):
        """`count` steps of all copies -> sum of losses and number of right clips of each, float32 (count, 2)."""
        strategy, step = self.device.strategy, self._compiled_step if compiled else self._step

        def one(done, sums):
            parts = strategy.run(lambda *element: step(*self.source.get(element)), next(iterator))
            return done + 1, sums.write(done, [strategy.reduce("SUM", part, axis=None) for part in parts])

        sums = tf.TensorArray(tf.float32, count, element_shape=(2,))
        return tf.while_loop(lambda done, _: done < count, one, (0, sums), parallel_iterations=1)[1].stack()

    def train_epoch(self, epoch, progress):
        """Trains until each clip has been seen once more -> mean loss and accuracy of the clips on the way."""
        count = len(self.data.train)
        first, last = (batches.steps_until(count, self.batch, done) for done in (epoch, epoch + 1))
        choose = partial(batches.training_places, count, self.batch, self.seed)
        iterator = iter(self.source.batches(self.data.train, choose, range(first, last)))
        sums, step = [], first
        while step < last:
            steps, start = min(self.call_steps, last - step), time.perf_counter()
            try:
                sums.append(self._steps(iterator, tf.constant(steps), self.compiled).numpy())
            except tf.errors.OpError as error:
                if not self.compiled or sums or isinstance(error, tf.errors.ResourceExhaustedError):
                    raise
                return self.without_compiling(error, epoch, progress)
            step += steps
            progress.update(min(step * self.batch, (epoch + 1) * count) - progress.n)
            if time.perf_counter() - start < CALL / 2:
                self.call_steps = min(2 * self.call_steps, self.most)
        loss, right = np.concatenate(sums).mean(0, np.float64) / self.batch
        return {"loss": float(loss), "acc": float(right)}

    def average_weights(self):
        """Has the mean of the weights of the last steps take their place, if the recipe says so."""
        if self.recipe.average:
            choose = partial(batches.training_places, len(self.data.train), self.batch, self.seed)
            elements = self.source.batches(self.data.train, choose, range(averaging.BATCHES))
            averaging.average(self.model, elements, self._look)

    @tf.function(autograph=False)
    def _look(self, element):
        """The network as in training at a batch, for what it keeps of it."""

        def one(step, places, clips, targets):
            for layer in self.dropouts:
                layer.step = step
            self.model(self._varied(step, places, clips), training=True)

        self.device.strategy.run(lambda *parts: one(*self.source.get(parts)), element)

    def without_compiling(self, error, epoch, progress):
        """The epoch from its start, which XLA, or a damaged program that it kept, has not let begin."""
        warn(f"XLA fails, so training is slower ({one_line(error)}); if it worked before, delete xla-* in the cache")
        self.compiled = False
        return self.train_epoch(epoch, progress)

    def validate(self):
        if not len(self.data.test):
            return {"val_loss": np.nan, "val_acc": np.nan}
        probabilities = self.predict(self.data.test)
        targets = self.data.targets[self.data.test]
        losses = keras.losses.categorical_crossentropy(targets, probabilities)
        return {"val_loss": float(np.mean(losses)), "val_acc": float(np.mean(hits(targets, probabilities)))}


def class_weights(targets):
    """Weights float32 (nclass,) that make all classes count alike: number of clips / (classes * clips of the class).

    targets: one-hot (N, nclass) of the training clips. Their mean over these is 1; of a class without clips 0.
    """
    counts = targets.sum(0)
    return np.where(counts > 0, len(targets) / ((counts > 0).sum() * np.maximum(counts, 1)), 0).astype(np.float32)


def hits(targets, probabilities):
    """1 where the most probable class is the true one, else 0, float32 (B,)."""
    return tf.cast(tf.argmax(targets, 1) == tf.argmax(probabilities, 1), tf.float32)


class Predictor:
    """The compiled forward step of a model."""

    def __init__(self, model, source, batch):
        self.model, self.source, self.batch, self.strategy = model, source, batch, source.device.strategy

    @tf.function(autograph=False)
    def _step(self, element):
        answers = self.strategy.run(lambda *parts: self.model(self.source.tested(parts), training=False), element)
        return self.strategy.gather(answers, axis=0)

    def __call__(self, rows):
        """Probabilities of clips, float32 (len(rows), nclass)."""
        count = len(rows)
        choose = partial(batches.testing_places, count, self.batch)
        elements = self.source.batches(rows, choose, range(-(-count // self.batch)))
        return np.concatenate([self._step(element).numpy() for element in elements])[:count]


def predict(model, data, batch, device):
    """Probabilities of the test clips, float32 (len(data.test), nclass)."""
    with in_one_line(data):
        return Predictor(model, Source(data, device), device.whole_batch(min(batch, len(data.test))))(data.test)


def in_float32(build, model):
    """The same network of Keras's own layers without mixed precision or optimizer: what is saved, tested, averaged."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    plain = build()
    keras.config.set_dtype_policy(policy)
    plain.set_weights(model.get_weights())
    return plain
