"""A training on two devices, or two machines, is the training on one."""

import contextlib
import json
import secrets
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
from helpers import ROOT

HEAD = """
import sys
sys.path[:0] = [{root!r}, {root!r} + "/tests"]
from functools import partial
import keras
import numpy as np
from actioncnn import device
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * {devices})
from helpers import data_of
from actioncnn.train import loop, networks, optimizer
from actioncnn.train.recipes import Augment, Recipe

label = np.arange(40) % 2
clips = np.random.default_rng(0).integers(0, 120, (40, 12, 12, 4, 1)) + 100 * label[:, None, None, None, None]
clips = clips.astype(np.uint8)
"""

TWO = """
one = device.setup("float32")
two = one._replace(strategy=tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
"""

DEVICES = """
data = data_of(clips, label, range(24), range(24, 40))
for name, kind in (("cnn3d", "adam"), ("residual", "muon")):
    build, results = partial(getattr(networks, name), clips.shape[1:], 2), []
    for on in (one, two, two._replace(memory=1 << 40)):  # the last: the set lies on the devices
        recipe = Recipe(kind, average=0.2, augment=Augment(flip=True, crop=(0.7, 1.2), light=0.3))
        model, history = loop.fit(build, data, recipe, batch=8, epochs=1, seed=0, device=on)
        results.append((history[0], model.get_weights()))
    for figures, weights in results[1:]:
        losses = [abs(figures[key] - results[0][0][key]) for key in ("loss", "val_loss")]
        print(name, max(losses), max(np.abs(a - b).max() for a, b in zip(weights, results[0][1])))
"""

FEW = """
build = partial(networks.cnn3d, clips.shape[1:], 2)
for count in (15, 1):
    data = data_of(clips, label, range(count), range(24, 27))
    for on in (two, two._replace(memory=1 << 40)):
        _, history = loop.fit(build, data, Recipe(), batch=32, epochs=3, seed=0, device=on)
        print(count, len(history), *(figures["loss"] for figures in history))
"""

OVERFLOW = """
keras.config.set_dtype_policy("mixed_float16")
optimizer.SCALE, optimizer.PATIENCE = 2.0**22, 10  # it grows until it overflows, again and again
data = data_of(clips, label, range(32), range(32, 40))

def build(instead=None):
    layer = networks.numbered(instead)
    steps = [layer(keras.layers.Rescaling, 1 / 255), layer(keras.layers.Flatten)]
    steps += [layer(keras.layers.Dense, 8, "relu"), layer(keras.layers.Dense, 2, "softmax", dtype="float32")]
    return networks.chain(clips.shape[1:], steps)

how = (build, data, Recipe("adam", 1e-3, augment=Augment()), 8, 30, 0, on)
trainer = loop.Trainer(*how)
history = loop.train(trainer, 30, None, None)[1]
copies = [on.strategy.experimental_local_results(each) for each in (*trainer.optimizer.variables, *(
    each.value for each in trainer.model.variables))]
alike = all(np.array_equal(values[0], value) for values in copies for value in values)
finite = all(np.isfinite(value).all() for values in copies for value in values)
print(int(trainer.optimizer.step.numpy()), finite, alike, history[-1]["loss"] < history[0]["loss"])
"""


def output_of(code, folder, devices=2):
    line = [sys.executable, "-c", HEAD.format(root=str(ROOT), devices=devices) + code]
    done = subprocess.run(line, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [line.split() for line in done.stdout.splitlines()]


@pytest.mark.slow
def test_two_devices_are_one(tmp_path):
    """An epoch of three steps, dropout, averaging and all, with what two copies of a network see together."""
    rows = output_of(TWO + DEVICES, tmp_path)
    assert [row[0] for row in rows] == ["cnn3d", "cnn3d", "residual", "residual"]
    for name, losses, weights in rows:
        assert float(losses) < 1e-3 and float(weights) < (1e-5 if name == "cnn3d" else 1e-3)


def test_few_clips_on_two_devices_are_seen_each_epoch(tmp_path):
    """Fewer than a batch, and fewer than there are copies of the network."""
    for count, epochs, *losses in output_of(TWO + FEW, tmp_path):
        assert epochs == "3" and len({float(loss) for loss in losses}) == 3, count


def test_an_overflow_in_one_copy_stops_all_of_them(tmp_path):
    """120 steps of float16 on two devices: some overflow, and change no weight; the others teach."""
    ((steps, *right),) = output_of(TWO + "on = two" + OVERFLOW, tmp_path)
    assert 60 < int(steps) < 120 and right == ["True"] * 3


CLOCK = """
import runpy, sys, time
clock = time.perf_counter
time.perf_counter = lambda: clock() * {speed}
del sys.argv[0]
sys.path[0] = {root!r}
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def free_ports(count):
    """Ports below those that systems give to connections, so that none takes one before a machine listens there."""
    ports = set()
    while len(ports) < count:
        with contextlib.suppress(OSError):
            port = secrets.randbelow(10_000) + 20_000
            socket.create_server(("127.0.0.1", port)).close()
            ports.add(port)
    return ports


@pytest.fixture
def machines(tmp_path):
    """machines(lines) -> the processes of these command lines, each a machine of one cluster."""
    runs = []

    def machines(lines):
        workers = [f"127.0.0.1:{port}" for port in free_ports(len(lines))]
        for index, line in enumerate(lines):
            config = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
            environment = {"TF_CONFIG": json.dumps(config), "PATH": "", "HOME": str(tmp_path)}
            pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
            runs.append(subprocess.Popen([sys.executable, *line], cwd=tmp_path, env=environment, **pipes))
        return runs

    yield machines
    for run in runs:
        run.kill()
        run.communicate()


@pytest.fixture
def start(bars, cache, machines):
    """start(epochs) -> the processes of a run on two machines, with its --output in two/; the command without it.

    The clock of one all but stands still and the other's races: nothing that machines do together may hang on time.
    more: further options of the second machine.
    """
    options = ["--videos", bars, "--batch", 8, "--cache", cache, "--size", 16, "--depth", 4, "--precision", "float32"]
    command = [str(ROOT / "3dcnn.py"), *map(str, options)]

    def start(epochs, *more):
        lines = [["-c", CLOCK.format(speed=speed, root=str(ROOT)), *command] for speed in (1e-6, 1e6)]
        lines = [[*line, "--epoch", str(epochs), "--output", "two"] for line in lines]
        lines[1] += map(str, more)
        return machines(lines), [sys.executable, *command]

    return start


@pytest.mark.slow
@pytest.mark.parametrize(("option", "value"), [("--batch", 16), ("--precision", "mixed")])
def test_machines_that_differ_say_in_what(start, option, value):
    runs, _ = start(2, option, value)
    for run in runs:
        _, error = run.communicate(timeout=200)
        assert run.returncode == 1 and "Traceback" not in error
        assert "TF_CONFIG" in error.splitlines()[-1] and option in error.splitlines()[-1]


@pytest.mark.slow
def test_an_overflow_on_two_machines_ends_with_the_training(machines):
    code = HEAD.format(root=str(ROOT), devices=1) + 'on = device.setup("float32", training=True)' + OVERFLOW
    for run in machines([["-c", code]] * 2):
        output, error = run.communicate(timeout=200)
        assert run.returncode == 0, error
        steps, *right = output.split()
        assert 60 < int(steps) < 120 and right == ["True"] * 3


@pytest.mark.slow
def test_two_machines_are_one(start, tmp_path):
    runs, command = start(2)
    for run in runs:
        _, error = run.communicate(timeout=300)
        assert run.returncode == 0, error
    subprocess.run([*command, "--epoch", "2", "--output", "one"], cwd=tmp_path, check=True, capture_output=True)
    tables = [np.loadtxt(tmp_path / name / "result.txt", skiprows=1) for name in ("one", "two")]
    np.testing.assert_allclose(*tables, atol=1e-3)
    assert {path.name for path in (tmp_path / "one").iterdir()} == {path.name for path in (tmp_path / "two").iterdir()}


@pytest.mark.slow
def test_a_machine_that_dies_ends_the_run_with_one_line(start, tmp_path):
    runs, _ = start(10_000)
    while not (tmp_path / "two" / "checkpoint.h5").exists() and runs[0].poll() is None:
        time.sleep(0.1)
    runs[1].kill()
    _, error = runs[0].communicate(timeout=100)
    assert runs[0].returncode == 1 and "Traceback" not in error
    assert error.splitlines()[-1].endswith("start all of them again, with --resume True")
