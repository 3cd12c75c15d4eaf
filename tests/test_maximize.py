"""units, objectives and maximize on small networks, trained in seconds where the result must mean something."""

import numpy as np
import pytest

from actioncnn import device

device.setup("float32")

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers  # noqa: E402

from actioncnn import film, maximize, models, objectives, units  # noqa: E402
from actioncnn.cli import UserError  # noqa: E402

SHAPE = (16, 16, 6, 1)


def bars(count, seed):
    """Clips of a soft vertical bar that moves left (class 0) or right (class 1) by one or two pixels a frame."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    place = rng.uniform(0, 16, count)[:, None] + (2 * labels - 1)[:, None] * rng.uniform(1, 2, (count, 1)) * np.arange(
        6
    )
    distance = (np.arange(16)[None, :, None] - place[:, None] + 8) % 16 - 8
    clips = 128 + 80 * rng.choice([-1, 1], (count, 1, 1)) * np.exp(-(distance**2) / 8)
    clips = np.broadcast_to(clips[:, None, :, :, None], (count, *SHAPE))
    return (clips + rng.normal(0, 10, clips.shape)).clip(0, 255).astype(np.float32), labels


def trained(seed):
    keras.utils.set_random_seed(seed)
    layer = models.numbered()
    steps = [layer(layers.Rescaling, 1 / 127.5, -1), layer(layers.Permute, models.TIME_FIRST)]
    steps += [layer(layers.Conv3D, 8, 3, activation="relu"), layer(layers.Conv3D, 8, 3, activation="relu")]
    steps += [layer(layers.MaxPooling3D, (1, 2, 2)), layer(layers.Flatten)]
    model = models.chain(SHAPE, [*steps, layer(layers.Dense, 2, activation="softmax")])
    model.compile(
        keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False
    )
    clips, labels = bars(400, seed)
    model.fit(clips, labels, batch_size=40, epochs=6, verbose=0)
    clips, labels = bars(100, 99)
    assert model.evaluate(clips, labels, verbose=0)[1] > 0.95
    return model


@pytest.fixture(scope="module")
def model():
    return trained(0)


@pytest.fixture(scope="module")
def judge():
    return trained(1)


def climb(model, name, chosen, **settings):
    return maximize.maximize(model, units.find(model, name)[1], chosen, maximize.Settings(**settings))


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
        logits = objectives.measure(units.look(model, layer, clips), np.full(100, result.unit)).numpy()
        assert result.saved > logits.max()
        change = np.abs(np.diff(result.frames.astype(float), axis=2)).mean() / 255
        assert change < film.FLICKER * 1.1


def test_a_longer_ascent_is_stronger_and_may_flicker_twice_as_much(model):
    short, long = (climb(model, "dense_1", [0], iterations=count)[0] for count in (20, 200))
    assert long.saved > short.saved
    change = np.abs(np.diff(long.frames.astype(float), axis=2)).mean() / 255
    assert 1.1 * film.FLICKER < change < 2.2 * film.FLICKER


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
        seen = units.look(model, model.get_layer("conv3d_1"), result.frames[None].astype(np.float32))
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


def detail(frames):
    """Share of the power of frames (16, 16, T) above half of Nyquist's frequency."""
    power = np.abs(np.fft.fft2(frames - frames.mean(), axes=(0, 1))) ** 2
    frequency = np.abs(np.fft.fftfreq(16))
    return power[np.maximum(frequency[:, None], frequency) > 0.25].sum() / (power.sum() + 1e-9)


@pytest.mark.parametrize("channels", [1, 3])
def test_detail_is_bounded_for_a_unit_that_wants_nothing_else(channels):
    inputs = keras.Input((*SHAPE[:3], channels))
    model = keras.Sequential([inputs, layers.Conv3D(1, (2, 2, 1), strides=(2, 2, 1), name="checks")])
    checks = np.array([[1, -1], [-1, 1]], np.float32)[:, :, None, None, None]
    model.layers[0].set_weights([np.tile(checks, (1, 1, 1, channels, 1)), np.zeros(1)])
    bounded, unbounded = (climb(model, "checks", [0], tv=tv)[0].frames.mean(-1) for tv in (1, 0))
    assert detail(bounded) < 0.2 and detail(unbounded) > 0.4


def test_what_grows_need_not_shrink_again():
    """A unit that likes a ramp of light over the whole clip gets one: the film's end does not join its start."""
    model = keras.Sequential([keras.Input(SHAPE), layers.Conv3D(1, (3, 3, SHAPE[2]), name="ramp")])
    ramp = np.broadcast_to(np.linspace(-1, 1, SHAPE[2])[:, None, None], (3, 3, SHAPE[2], 1, 1))
    model.layers[0].set_weights([ramp.astype(np.float32), np.zeros(1)])
    light = climb(model, "ramp", [0])[0].clip.mean((0, 1, 3))
    assert (np.diff(light) > 0).all()


def test_detail_of_a_faint_film_counts_its_rounding():
    settings = maximize.Settings(contrast=0.01)
    faint = film.Film(SHAPE, settings)
    white = faint.start(0, [0])
    for _ in range(10):  # as in an ascent, the bound is approached step by step
        white = faint.bound(white)
    assert detail(film.to_frames(faint.clips(white), settings)[0, ..., 0]) < 0.19


def test_shifts_are_spread_evenly():
    shifts = maximize.spread_shifts(maximize.Settings(iterations=360, jitter=3), frames=2)
    places, counts = np.unique(shifts[:, :2], axis=0, return_counts=True)
    assert len(places) == 36 and np.abs(shifts).max() == 3 and 7 <= counts.min() <= counts.max() <= 13
    for window in (2, 3):  # of pooling: each place in it counts alike
        assert np.ptp(np.bincount(shifts[:, 0] % window)) <= 12
    times, counts = np.unique(shifts[:, 2], return_counts=True)
    assert times.tolist() == [-2, -1, 0, 1] and np.ptp(counts) <= 2
    assert not maximize.spread_shifts(maximize.Settings(jitter=0), frames=2).any()


def test_shifts_make_what_is_found_robust(model):
    kept = {}
    for jitter in (0, 3):
        result = climb(model, "dense_1", [0], jitter=jitter)[0]
        moved = [np.roll(result.clip, (y, x), (0, 1)) for y in range(-2, 3) for x in range(-2, 3)]
        seen, _, _ = maximize.show(model, model.get_layer("dense_1"), [0] * 25, np.stack(moved))
        kept[jitter] = seen.min() / result.saved
    assert kept[3] > kept[0]


def test_input_range_of_models_without_rescaling():
    keras.utils.set_random_seed(0)
    model = models.chain((16, 16, 3), [layers.Conv2D(4, 3, name="c"), layers.Flatten(), layers.Dense(3)])
    result = climb(model, "c", [2], low=-1, high=1)[0]
    assert result.clip.shape == (16, 16, 3) and np.abs(result.clip).max() <= 1 and result.clip.min() < -0.1
    assert result.frames.shape == (16, 16, 1, 3)


def test_unit_that_likes_edges_and_light_is_not_shown_as_an_even_white():
    kernel = (np.array([[-1, 0, 1]] * 3, np.float32) / 3 + 0.04)[..., None, None]
    conv = layers.Conv2D(1, 3, activation="relu", name="c")
    model = models.chain((32, 32, 1), [layers.Rescaling(1 / 255), conv, layers.Flatten(), layers.Dense(2)])
    conv.set_weights([kernel, np.zeros(1)])
    assert climb(model, "c", [0])[0].frames.std() > 20


def test_dead_relu_comes_to_life():
    edge = np.array([[-1, 0, 1]] * 3, np.float32)[..., None, None] / 3
    conv = layers.Conv2D(1, 3, activation="relu", name="c")
    steps = [layers.Rescaling(1 / 255), conv, layers.MaxPooling2D(name="p"), layers.Flatten(), layers.Dense(2)]
    model = models.chain((16, 16, 1), steps)
    conv.set_weights([edge, np.array([-0.25])])  # off for edges of less than a quarter of the range
    for name in "cp":
        result = climb(model, name, [0])[0]
        assert result.before == 0 and result.saved > 0.01


def test_classic_is_the_procedure_of_2017(model):
    result = climb(model, "dense_1", [1], classic=True, iterations=30)[0]
    assert result.curve[-1] > result.curve[0]
    frame = result.frames[:, :, 0].astype(float)
    assert frame.mean() == pytest.approx(127, abs=4) and frame.std() == pytest.approx(25.5, abs=4)


def several_inputs():
    first, second = keras.Input((12, 12, 4, 1)), keras.Input((12, 12, 4, 1))
    branches = [layers.Flatten()(layers.Conv3D(2, 3, activation="relu")(each)) for each in (first, second)]
    return keras.Model([first, second], layers.Dense(3, activation="softmax")(layers.Concatenate()(branches)))


def odd_layers():
    kinds = [layers.Conv3D(4, 3), layers.Activation("softmax"), layers.ReLU(), layers.LeakyReLU(), layers.PReLU()]
    kinds += [
        layers.MaxPooling3D(2),
        layers.BatchNormalization(),
        layers.Flatten(),
        layers.Dense(5, activation="sigmoid"),
    ]
    return keras.Sequential([keras.Input((12, 12, 4, 1)), *kinds, layers.Dense(3), layers.Activation("softmax")])


def nested():
    branch = keras.Sequential(
        [keras.Input((12, 12, 3)), layers.Conv2D(4, 3, name="c"), layers.Flatten()], name="branch"
    )
    inputs = keras.Input((12, 12, 3))
    return keras.Model(inputs, layers.Softmax()(layers.Dense(3)(branch(inputs))))


def recurrent():
    inputs = keras.Input((12, 12, 4, 1))
    x = layers.TimeDistributed(layers.Conv2D(3, 3, activation="relu"))(layers.Permute((3, 1, 2, 4))(inputs))
    return keras.Model(
        inputs, layers.Dense(1, activation="sigmoid")(layers.LSTM(4)(layers.TimeDistributed(layers.Flatten())(x)))
    )


def ensemble():
    def member():
        layer = models.numbered()
        steps = [layer(layers.Rescaling, 1 / 255), layer(layers.Conv3D, 2, 3, activation="relu"), layer(layers.Flatten)]
        return models.chain((8, 8, 4, 3), [*steps, layer(layers.Dense, 3, activation="softmax")])

    return models.average([member(), member()])


@pytest.mark.parametrize("build", [several_inputs, odd_layers, nested, recurrent, ensemble])
def test_every_layer_of_every_kind_of_model(build):
    keras.utils.set_random_seed(0)
    model = build()
    kept = {path: dict(vars(layer)) for path, layer in units.tree(model).items()}
    for path, layer in units.tree(model).items():
        last = units.count(model, layer) - 1
        result = climb(model, path, [last], iterations=2)[0]
        assert np.isfinite([result.before, result.found, result.saved]).all()
        assert result.unit == last and result.clip.shape == units.input_shape(model)
        assert vars(layer).get("call") is None and vars(layer).get("activation") is kept[path].get("activation")


def test_ensemble_is_a_class_output():
    keras.utils.set_random_seed(0)
    model = ensemble()
    layer = units.find(model, "average_1")[1]
    seen = units.look(model, layer, tf.random.uniform((2, 8, 8, 4, 3), 0, 255, seed=1))
    assert len(seen.logits) == 2
    assert np.allclose(np.mean([tf.nn.softmax(logits) for logits in seen.logits], 0), seen.output, atol=1e-6)
    result = climb(model, "average_1", [1])[0]
    assert result.probability == pytest.approx(result.saved) and result.saved > result.before


def test_the_least_sure_member_counts_most():
    margins = tf.Variable([[1.0, 3.0], [9.0, 3.0]])
    with tf.GradientTape() as tape:
        least = objectives.soft_minimum(margins)
    assert 1 < least[0] < 5 and float(least[1]) == pytest.approx(3, abs=1e-5)
    weak, sure = tape.gradient(least, margins).numpy()[:, 0]
    assert weak > 4 * sure > 0
    assert objectives.soft_minimum(tf.constant([[2.5]])).numpy() == [2.5]


def test_margin_is_the_log_odds():
    logits, chosen = tf.constant([[1.0, 2.0, -1.0], [0.0, 5.0, 3.0]]), tf.constant([0, 2])
    odds = tf.nn.softmax(logits).numpy()[[0, 1], [0, 2]]
    assert np.allclose(objectives.margin(logits, chosen), np.log(odds / (1 - odds)), atol=1e-5)


def test_objectives(model):
    seen = units.look(model, model.get_layer("conv3d_1"), bars(2, 0)[0])
    chosen = np.array([1, 1])
    assert np.allclose(tf.nn.relu(seen.before), seen.output)
    assert np.allclose(objectives.score(seen, chosen, "logit"), np.mean(seen.before[..., 1], (1, 2, 3)), atol=1e-5)
    assert np.allclose(objectives.score(seen, chosen, "mean"), np.mean(seen.output[..., 1], (1, 2, 3)), atol=1e-5)
    with pytest.raises(units.NoSuchUnitError, match="--objective"):
        objectives.score(seen, chosen, "margin")


def test_leak_changes_gradients_only():
    x = tf.constant([-1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = units.leaky(x, 0.1)
    assert y.numpy().tolist() == [0, 2]
    assert np.allclose(tape.gradient(y, x), [0.1, 1])


def test_find_takes_quotes_paths_and_ends():
    model = nested()
    assert units.find(model, "'branch/c'")[0] == units.find(model, ' "c" ')[0] == "branch/c"
    with pytest.raises(units.NoSuchUnitError, match="did you mean branch"):
        units.find(model, "brunch")
    with pytest.raises(
        units.NoSuchUnitError, match="several branches; did you mean member_0/dense_1 or member_1/dense_1"
    ):
        units.find(ensemble(), "dense_1")


@pytest.mark.parametrize(
    "text, chosen",
    [("3", [3]), ("0,4,7", [0, 4, 7]), ("2-5", [2, 3, 4, 5]), ("all", list(range(8))), ("7, 0-1,1", [0, 1, 7])],
)
def test_choose(text, chosen):
    assert units.choose(text, 8) == chosen


@pytest.mark.parametrize("text", ["8", "-1", "", "x", "3-1", "0-8", "1,", "99999999999999999999", "0-", "²"])
def test_choose_refuses(text):
    with pytest.raises(units.NoSuchUnitError, match="--index"):
        units.choose(text, 8)


def test_inputs_that_cannot_be_pictures():
    with pytest.raises(UserError, match="one clip"):
        units.input_shape(models.chain((5,), [layers.Dense(2)]))
