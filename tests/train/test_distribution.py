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

DEVICES = """
import sys
sys.path[:0] = [{root!r}, {root!r} + "/tests"]
from functools import partial
import numpy as np
from actioncnn import device
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from helpers import data_of
from actioncnn.train import loop, networks
from actioncnn.train.recipes import Augment, Recipe

label = np.arange(40) % 2
clips = np.random.default_rng(0).integers(0, 120, (40, 12, 12, 4, 1)) + 100 * label[:, None, None, None, None]
data = data_of(clips.astype(np.uint8), label, range(24), range(24, 40))
one = device.setup("float32")
two = one._replace(strategy=tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
for name, kind in (("cnn3d", "adam"), ("residual", "muon")):
    build, results = partial(getattr(networks, name), clips.shape[1:], 2), []
    for on in (one, two, two._replace(memory=1 << 40)):  # the last: the set lies on the devices
        options = {{"batch": 8, "epochs": 1, "seed": 0, "device": on}}
        recipe = Recipe(kind, augment=Augment(flip=True, crop=(0.7, 1.2), light=0.3))
        model, history = loop.fit(build, data, recipe, **options)
        results.append((history[0], model.get_weights()))
    for figures, weights in results[1:]:
        losses = [abs(figures[key] - results[0][0][key]) for key in ("loss", "val_loss")]
        print(name, max(losses), max(np.abs(a - b).max() for a, b in zip(weights, results[0][1])))
"""


@pytest.mark.slow
def test_two_devices_are_one(tmp_path):
    """An epoch of three steps, dropout and all, with what two copies of a network see together."""
    code = [sys.executable, "-c", DEVICES.format(root=str(ROOT))]
    done = subprocess.run(code, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [row[0] for row in rows] == ["cnn3d", "cnn3d", "residual", "residual"]
    for name, losses, weights in rows:
        assert float(losses) < 1e-3 and float(weights) < (1e-5 if name == "cnn3d" else 1e-3)


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
def start(bars, cache, tmp_path):
    """start(epochs) -> the processes of a run on two machines, with its --output in two/; the command without it.

    The clock of one all but stands still and the other's races: nothing that machines do together may hang on time.
    """
    options = ["--videos", bars, "--batch", 8, "--cache", cache, "--size", 16, "--depth", 4, "--precision", "float32"]
    command = [str(ROOT / "3dcnn.py"), *map(str, options)]
    runs = []

    def start(epochs):
        workers = [f"127.0.0.1:{port}" for port in free_ports(2)]
        for index in (0, 1):
            config = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
            environment = {"TF_CONFIG": json.dumps(config), "PATH": "", "HOME": str(tmp_path)}
            pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
            code = CLOCK.format(speed=(1e-6, 1e6)[index], root=str(ROOT))
            line = [sys.executable, "-c", code, *command, "--epoch", str(epochs), "--output", "two"]
            runs.append(subprocess.Popen(line, cwd=tmp_path, env=environment, **pipes))
        return runs, [sys.executable, *command]

    yield start
    for run in runs:
        run.kill()
        run.communicate()


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
