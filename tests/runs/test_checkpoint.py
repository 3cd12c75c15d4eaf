"""A checkpoint comes back whole, of the right run, or not at all."""

import io
import json
import os

import h5py
import keras
import numpy as np
import pytest

from actioncnn.errors import UserError
from actioncnn.runs.checkpoint import HEADER, WITHOUT_IT, Checkpoint, header, values

RUN, OTHER = "1" * 64, "2" * 64
HISTORY = [{"epoch": 1, "loss": 0.1, "acc": float("nan"), "val_loss": 1 / 3, "val_acc": 0.5}]


def network(units=2):
    """The variables of a network and of its optimizer."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(units), keras.layers.BatchNormalization()])
    model.compile(keras.optimizers.Adam())
    model.optimizer.build(model.trainable_variables)
    rng = np.random.default_rng(units)
    for variable in [*model.variables, *model.optimizer.variables[2:]]:
        variable.assign(rng.uniform(0, 1, variable.shape))
    return [*model.variables, *model.optimizer.variables]


@pytest.fixture
def checkpoint(tmp_path):
    checkpoint = Checkpoint(tmp_path / "checkpoint.h5", RUN)
    checkpoint.save(network(), HISTORY)
    return checkpoint


def test_it_comes_back(checkpoint):
    saved, fresh = network(), network()
    for variable in fresh:
        variable.assign(variable * 0)
    assert str(checkpoint.restore(fresh, 5)) == str(HISTORY)  # nan is in it
    assert all(np.array_equal(a, b) for a, b in zip(values(fresh), values(saved), strict=True))
    with h5py.File(checkpoint.path) as file:  # as the name says
        assert "history" in file.attrs
    assert checkpoint._replace(path=checkpoint.path.with_name("none")).restore(fresh, 5) == []
    assert checkpoint._replace(resume=False).restore(fresh, 5) == []


def test_same_state_same_bytes(checkpoint):
    before = checkpoint.path.read_bytes()
    checkpoint.save(network(), HISTORY)
    assert checkpoint.path.read_bytes() == before


def fails(checkpoint, state=None, epochs=5):
    with pytest.raises(UserError) as caught:
        checkpoint.restore(state or network(), epochs)
    message = str(caught.value)
    assert "\n" not in message and str(checkpoint.path) in message and message.endswith(WITHOUT_IT)
    return message


def test_of_another_run(checkpoint):
    assert "of another run" in fails(checkpoint._replace(run=OTHER))
    assert "of another network" in fails(checkpoint, network(3))
    assert "of another training" in fails(checkpoint, epochs=0)


@pytest.mark.parametrize("seed", range(24))
def test_any_damage_is_noticed(checkpoint, seed):
    rng, content = np.random.default_rng(seed), bytearray(checkpoint.path.read_bytes())
    place, length = rng.integers(len(content)), rng.integers(1, 200)
    if seed % 4 == 0:
        del content[place:]
    elif seed % 4 == 1:
        content[place] ^= 1 << rng.integers(8)
    elif seed % 4 == 2:
        content[place:place] = content[:length]
    else:
        content[:HEADER] = bytes(HEADER) if seed % 8 == 3 else rng.bytes(HEADER)
    checkpoint.path.write_bytes(content)
    fails(checkpoint)


def other_file(path):
    path.write_text("not a checkpoint")


def plain_weights(path):
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file.attrs["history"] = "[]"
    path.write_bytes(content.getvalue())


def link_to(target):
    def make(path):
        path.unlink()
        path.symlink_to(target)

    return make


def fifo(path):
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("damage", [other_file, plain_weights, fifo, link_to("/dev/zero"), link_to("/etc")])
def test_what_is_no_checkpoint(checkpoint, damage):
    damage(checkpoint.path)
    fails(checkpoint)


def with_history(value):
    def change(file, folder):
        file.attrs["history"] = value if isinstance(value, str) else json.dumps(value)

    return change


def replaced(make):
    """A change of the first variable, which becomes what make(file, name, values, folder) stores."""

    def change(file, folder):
        values = file["variables/0"][()]
        del file["variables/0"]
        make(file, "variables/0", values, folder)

    return change


def external(file, name, values, folder):
    (folder / "secret").write_bytes(values.tobytes())
    file.create_dataset(name, values.shape, values.dtype, external=[(folder / "secret", 0, h5py.h5f.UNLIMITED)])


def linked_file(file, name, values, folder):
    with h5py.File(folder / "other.h5", "w") as other:
        other["x"] = values
    file[name] = h5py.ExternalLink(folder / "other.h5", "/x")


HOSTILE = {
    "bytes of another file": replaced(external),
    "a link to another file": replaced(linked_file),
    "a link within": replaced(lambda file, name, *_: file.update({name: h5py.SoftLink("/variables/1")})),
    "a vast array": replaced(lambda file, name, *_: file.create_dataset(name, (10**11,), "f4", chunks=(100,))),
    "a group": replaced(lambda file, name, *_: file.create_group(name)),
    "text": replaced(lambda file, name, *_: file.update({name: "text"})),
    "no array": replaced(lambda file, name, values, _: file.update({name: values[:1]})),
    "one array for two": replaced(lambda file, name, *_: file.update({name: file["variables/1"]})),
    "no history": lambda file, _: file.attrs.__delitem__("history"),
    "a number as history": lambda file, _: file.attrs.__setitem__("history", 3),
    "deep history": with_history("[" * 100_000),
    "a history of text": with_history("text"),
    "a history that is a dict": with_history({"a": 1}),
    "rows that are lists": with_history([[1]]),
    "rows without figures": with_history([{"epoch": 1}]),
    "an epoch twice": with_history([HISTORY[0], HISTORY[0]]),
    "text for numbers": with_history([HISTORY[0] | {"loss": "x"}]),
    "truth for numbers": with_history([HISTORY[0] | {"loss": True}]),
    "a number of many digits": with_history('[{"epoch": ' + "9" * 5000 + "}]"),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_a_right_digest_proves_nothing(checkpoint, tmp_path, change):
    """Anyone can compute it."""
    content = io.BytesIO(checkpoint.path.read_bytes()[HEADER:])
    with h5py.File(content, "r+") as file:
        change(file, tmp_path)
    content = content.getvalue()
    checkpoint.path.write_bytes(header(RUN, content) + content)
    fresh = network()
    before = [np.array(value) for value in values(fresh)]
    fails(checkpoint, fresh)
    assert all(np.array_equal(a, b) for a, b in zip(before, values(fresh), strict=True))
