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
from actioncnn.train import averaging
from actioncnn.train.augment import augment, draw
from actioncnn.train.optimizer import Optimizer, flat
from actioncnn.train.repeatable import IN_TRAINING, Dropout, key, sum_of_copies
from actioncnn.train.source import Source

CALL = 0.3  # seconds that the steps of one call last, about: the bar stays alive, and calls cost nothing
MOST = 64  # steps of a call
ENDLESS = 1 << 50  # steps
EVERY = 10  # seconds from a checkpoint to the next: it and the curves take .4 s, as long as an epoch on a fast GPU


def fit(build, data, recipe, *, batch, epochs, seed, device, checkpoint=None, on_epoch=None, balance=False):
    """Trains build(instead=...) on data.train, looks at data.test after each epoch (which chooses nothing).

    data: a LabelledClips. device: of device.setup. Returns (model, history); history: a list of dicts epoch, loss, acc,
    val_loss, val_acc. checkpoint: a Checkpoint that holds the state after a whole epoch; where it exists training goes
    on from there, to the same result as if it had never stopped. on_epoch(history): is called after the first epoch,
    the last, and others, EVERY seconds apart, as the checkpoint is saved. balance: the loss that is trained on weighs
    classes by class_weights. UserError: the loss is not a number; the checkpoint is then that of an epoch before.
    """
    options = {"checkpoint": checkpoint, "on_epoch": on_epoch, "balance": balance}
    try:
        with in_one_line(data):
            trainer = Trainer(build, data, recipe, min(batch, len(data.train)), epochs, seed, device, balance)
            return train(trainer, epochs, checkpoint, on_epoch)
    except tf.errors.ResourceExhaustedError:
        if not device.holds(data.stored.nbytes) or device.machines > 1:
            raise
    trainer = None  # what it holds is freed
    warn("the GPU's memory is full, so training begins again with the clips in the computer's memory")
    device = device._replace(memory=0)
    return fit(build, data, recipe, batch=batch, epochs=epochs, seed=seed, device=device, **options)


def train(trainer, epochs, checkpoint, on_epoch):
    """What `fit` does with a Trainer."""
    count, device = len(trainer.data.train), trainer.device
    history, written = trainer.restore(checkpoint, epochs) if checkpoint else [], float("-inf")
    seen = len(history) * count
    with bar(total=epochs * count, initial=seen, unit="clip", desc="training", disable=not device.chief) as progress:
        while len(history) < epochs:
            done = len(history)
            figures = trainer.train_epoch(done, progress)
            if done + 1 == epochs:
                trainer.average_weights()
            figures |= trainer.validate()
            history.append({"epoch": done + 1} | figures)
            progress.set_postfix({name: f"{value:.3f}" for name, value in figures.items()}, refresh=False)
            tested = len(trainer.data.test)
            sound = np.isfinite(figures["loss"]) and (np.isfinite(figures["val_loss"]) or not tested)
            if device.chief and (done + 1 == epochs or not sound or time.monotonic() - written > EVERY):
                if checkpoint and sound:
                    checkpoint.save(trainer.state, history)
                if on_epoch:
                    on_epoch(history)
                written = time.monotonic()
            if not sound:
                remedy = "--precision float32 or " if trainer.optimizer.scale is not None else ""
                remedy += "a smaller --learning-rate, with --overwrite True"
                raise UserError(f"the loss is not a number after epoch {done + 1}; try {remedy}")
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
        self.data, self.recipe, self.epochs, self.seed, self.device = data, recipe, epochs, seed, device
        self.batch = batch = device.whole_batch(batch)
        self.weights = class_weights(data.targets[data.train]) if balance else None
        steps = self.steps_until(epochs)
        keras.utils.set_random_seed(seed)
        with device.strategy.scope():
            self.model = build(instead=IN_TRAINING)
            scaled = keras.config.dtype_policy().compute_dtype == "float16"
            self.optimizer = Optimizer(recipe, steps, self.model.trainable_variables, scaled)
        if device.name.startswith("CPU"):  # a GPU says so itself
            check_step(self.model, batch)
        self.dropouts = [layer for layer in self.model.layers if isinstance(layer, Dropout)]
        self.source, self.elements = Source(data, device), None
        self.predict = Predictor(self.model, self.source, batch, data.test)
        self.call_steps, self.seconds = 1, 0.0
        self.compiled = device.compiles(steps)
        self._compiled_step = tf.function(self._step, jit_compile=True, autograph=False)

    @property
    def state(self):
        """The variables that a later step follows from."""
        return [*self.model.variables, *self.optimizer.variables]

    def restore(self, checkpoint, epochs):
        with self.device.strategy.scope():
            return checkpoint.restore(self.state, epochs)

    def steps_until(self, epoch):
        return batches.steps_until(len(self.data.train), self.batch, epoch)

    def elements_of(self, steps):
        """Batches of training clips, with the keys of what is drawn at random for them; one of `keys` is a row."""
        choose = partial(batches.training_places, len(self.data.train), self.batch, self.seed)
        return self.source.batches(self.data.train, choose, steps, self._keys)

    def _keys(self, step):
        """Those of `augment`, of `draw` and of each layer of dropout, int64 (3 each,)."""
        masks = [key((self.seed << 10) + place + 1, step) for place in range(len(self.dropouts))]
        return tf.stack([key(self.seed, step), key(self.seed, -1 - step), *masks])

    def _shown(self, keys, places, clips):
        """The probabilities of a network in training at a batch, for clips that are varied at random."""
        of_augment, of_draw, *of_dropouts = tf.unstack(keys, 2 + len(self.dropouts))
        how = places, self.batch
        if self.data.doubled is not None:
            clips = draw(clips, of_draw, *how)
        for layer, of_layer in zip(self.dropouts, of_dropouts, strict=True):
            layer.key = of_layer
        return self.model(augment(clips, self.recipe.augment, of_augment, *how), training=True)

    def _step(self, seconds, keys, places, clips, targets):
        """One step of one copy of the network -> float32 (3,), the same on all copies: the sums of the losses of all
        their clips, of those that are right, and of `seconds`.
        """
        with tf.GradientTape() as tape:
            probabilities = self._shown(keys, places, clips)
            losses = keras.losses.categorical_crossentropy(targets, probabilities)
            if self.weights is not None:
                losses *= tf.linalg.matvec(targets, self.weights)
            loss = self.optimizer.scaled(tf.reduce_sum(losses) / self.batch)
        gradient = flat(tape.gradient(loss, [each.value for each in self.optimizer.weights]))
        told = tf.stack([tf.reduce_sum(losses), tf.reduce_sum(hits(targets, probabilities)), seconds])
        gradient, told = tf.split(sum_of_copies(tf.concat([gradient, told], 0)), [gradient.shape[0], 3])
        self.optimizer.apply(gradient)
        return told

    @tf.function(autograph=False)
    def _steps(self, elements, count, seconds, compiled):
        """`count` steps of all copies -> what `_step` says of each, float32 (count, 3)."""
        strategy, step = self.device.strategy, self._compiled_step if compiled else self._step

        def of_copy(*element):
            return step(seconds, *self.source.get(element))

        def one(done, told):
            of_copies = strategy.run(of_copy, next(elements))
            return done + 1, told.write(done, strategy.experimental_local_results(of_copies)[0])

        told = tf.TensorArray(tf.float32, count, element_shape=(3,))
        return tf.while_loop(lambda done, _: done < count, one, (0, told), parallel_iterations=1)[1].stack()

    def train_epoch(self, epoch, progress):
        """Trains until each clip has been seen once more -> mean loss and accuracy of the clips on the way."""
        count = len(self.data.train)
        first, last = self.steps_until(epoch), self.steps_until(epoch + 1)
        if self.elements is None:  # for the rest of the run
            self.elements = iter(self.elements_of(range(first, self.steps_until(self.epochs))))
            if self.compiled:
                progress.set_description("compiling")
        told, step = [], first
        while step < last:
            steps, start = min(self.call_steps, last - step), time.perf_counter()
            try:
                told.append(self._steps(self.elements, tf.constant(steps), tf.constant(self.seconds), self.compiled))
                told[-1] = told[-1].numpy()
            except tf.errors.OpError as error:
                if not self.compiled or len(told) > 1 or isinstance(error, tf.errors.ResourceExhaustedError):
                    raise
                return self.without_compiling(error, epoch, progress)
            step += steps
            if self.compiled:
                progress.set_description("training", refresh=False)
            progress.update(min(step * self.batch, (epoch + 1) * count) - progress.n)
            self.plan_call(told[-1], time.perf_counter() - start)
        loss, right, _ = np.concatenate(told).mean(0, np.float64) / self.batch
        return {"loss": float(loss), "acc": float(right)}

    def plan_call(self, told, seconds):
        """Has the next call take more steps where calls are short.

        All machines must decide alike, or they wait for each other for ever. So each goes by the mean of all their
        `seconds`, which a call tells of the one before.
        """
        before, self.seconds = told[-1, 2] / self.device.strategy.num_replicas_in_sync, seconds
        if 0 < before < CALL / 2 and self.call_steps == len(told):
            self.call_steps = min(2 * self.call_steps, MOST)

    def average_weights(self):
        """Has the mean of the weights of the last steps take their place, if the recipe says so."""
        if self.recipe.average:
            with self.device.strategy.scope():
                self.optimizer.take_mean()
            several = min(averaging.BATCHES, self.steps_until(1))  # few clips: each of them once
            averaging.renew_statistics(self.model, self.elements_of(range(several)), self._look)

    @tf.function(autograph=False)
    def _look(self, element):
        """Shows the network a batch as in training, for what it keeps of it."""

        def one(*parts):
            keys, places, clips, _ = self.source.get(parts)
            self._shown(keys, places, clips)

        self.device.strategy.run(one, element)

    def without_compiling(self, error, epoch, progress):
        """The epoch from its start, which XLA has not let begin."""
        warn(f"XLA fails, so training is slower ({one_line(error)})")
        self.compiled, self.elements = False, None
        return self.train_epoch(epoch, progress)

    def validate(self):
        if not len(self.data.test):
            return {"val_loss": np.nan, "val_acc": np.nan}
        probabilities, targets = self.predict(), self.data.targets[self.data.test]
        with tf.device("CPU:0"):
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
    """The compiled forward step of a model, for some clips, again and again."""

    def __init__(self, model, source, batch, rows):
        self.model, self.source, self.batch, self.rows = model, source, batch, rows
        self.strategy, self.elements = source.device.strategy, None

    @tf.function(autograph=False)
    def _step(self, elements):
        def of_copy(*parts):
            return self.model(self.source.tested(parts), training=False)

        return self.strategy.gather(self.strategy.run(of_copy, next(elements)), axis=0)

    def __call__(self):
        """Probabilities of the clips, float32 (len(rows), nclass)."""
        count = len(self.rows)
        steps = -(-count // self.batch)
        if self.elements is None:
            choose = lambda step: batches.testing_places(count, self.batch, step % steps)  # noqa: E731
            self.elements = iter(self.source.batches(self.rows, choose, range(ENDLESS)))
        answers = [self._step(self.elements) for _ in range(steps)]  # a GPU goes on while the next is asked for
        return np.concatenate([answer.numpy() for answer in answers])[:count]


def predict(model, data, batch, device):
    """Probabilities of the test clips, float32 (len(data.test), nclass). Each is read once, so none stays on a GPU."""
    batch = device.whole_batch(min(batch, len(data.test)))
    with in_one_line(data):
        return Predictor(model, Source(data, device._replace(memory=0)), batch, data.test)()


def in_float32(build, model):
    """The same network of Keras's own layers without mixed precision or optimizer: what is saved, tested, averaged."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    plain = build()
    keras.config.set_dtype_policy(policy)
    plain.set_weights(model.get_weights())
    return plain
