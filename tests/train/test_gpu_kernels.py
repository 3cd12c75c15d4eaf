"""All that a step does has a kernel for a GPU, by TensorFlow's own table: what has none goes to the host and back."""

import itertools
import subprocess
import sys

import pytest
from helpers import ROOT

HOST = {"Placeholder"}  # what the host is meant to do
BACK = {"StatelessRandomGetKeyCounter"}  # their GPU kernels take numbers from the host: what a GPU made is copied back

TRACE = """
import sys
sys.path[:0] = [{root!r}, {root!r} + "/tests", {root!r} + "/tests/train"]
from functools import partial
import keras
import numpy as np
from actioncnn import device
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from dataclasses import replace
from helpers import data_of
from test_gpu_kernels import without_kernel
from actioncnn.train import loop, networks, unordered
from actioncnn.train.recipes import NETWORKS

one = device.setup("float32")
two = one._replace(strategy=tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
for name, policy, copies, resident in {cases!r}:
    keras.config.set_dtype_policy(policy)
    shape = (16, 16, 1) if name == "cnn2d" else (16, 16, 4, 1)
    clips, label = np.zeros((40, *shape), np.uint8), np.arange(40) % 3
    data, recipe = data_of(clips, label, range(24), range(24, 40)), NETWORKS[name].recipe
    if recipe.augment.frames:
        data = replace(data, doubled=np.repeat(clips, 2, 3))
    recipe = replace(recipe, augment=recipe.augment._replace(flip=True))
    on = (one if copies == 1 else two)._replace(memory=(1 << 40) * resident)
    build = partial(getattr(networks, name), shape, 3)
    trainer = loop.Trainer(build, data, recipe, 8, 2, 0, on, balance=True)
    elements = iter(trainer.elements_of(range(3)))
    step = trainer._steps.get_concrete_function(elements, tf.constant(1), tf.constant(0.0), False)
    look = trainer._look.get_concrete_function(next(elements))
    tests = iter(trainer.source.batches(data.test, lambda step: np.arange(8), range(3)))
    predict = trainer.predict._step.get_concrete_function(tests)
    mixed = unordered.without_order(trainer.model, 0) if len(shape) > 3 else trainer.model
    shuffled = loop.Predictor(mixed, trainer.source, 8, data.test)
    mixed = shuffled._step.get_concrete_function(tests)
    for what, function in dict(step=step, look=look, predict=predict, mixed=mixed).items():
        for missing in without_kernel(function):
            print(name, policy, copies, resident, what, missing)
    parts = tf.nest.flatten(elements.element_spec, expand_composites=True)
    sizes = [each.shape for each in parts if each.dtype == "uint8"]
    print("traced", name, policy, copies, resident, *(each[0] for each in sizes))
"""


def nodes_of(function):
    """All nodes of a concrete function, and of the functions that it calls."""
    graph = function.graph.as_graph_def()
    return [*graph.node, *(node for each in graph.library.function for node in each.node_def)]


def without_kernel(function):
    """Each operation, but those of HOST, with its types, for which TensorFlow has no GPU kernel, or one of BACK."""
    from tensorflow.python.framework import dtypes
    from tensorflow.python.framework.kernels import get_registered_kernels_for_op

    missing = set()
    for node in nodes_of(function):
        if node.op in HOST:
            continue
        types = {name: value.type for name, value in node.attr.items() if value.type}
        kernels = get_registered_kernels_for_op(node.op).kernel
        for kernel in (each for each in kernels if each.device_type in ("GPU", "DEFAULT")):  # default: each device
            allowed = {each.name: each.allowed_values.list.type for each in kernel.constraint}
            fits = all(types[name] in values for name, values in allowed.items() if name in types)
            if fits and node.op not in BACK:
                break
        else:
            named = sorted(f"{name}={dtypes.as_dtype(value).name}" for name, value in types.items())
            missing.add(f"{node.op} {' '.join(named)}")
    return sorted(missing)


def traced(cases):
    code = TRACE.format(root=str(ROOT), cases=cases)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    told = [line.split() for line in lines if line.startswith("traced")]
    assert [(name, policy, int(copies), int(resident)) for _, name, policy, copies, resident, *_ in told] == cases
    for _, _, _, copies, resident, *sizes in told:
        assert set(sizes) == {"0" if resident == "1" else str(8 // int(copies))}
    return [line for line in lines if not line.startswith("traced")]


def test_what_trains_has_gpu_kernels():
    assert traced([("residual", "mixed_bfloat16", 2, 1), ("cnn3d", "mixed_float16", 1, 0)]) == []


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float32"])
def test_each_network_has_gpu_kernels(policy):
    assert traced(list(itertools.product(["cnn3d", "residual", "cnn2d"], [policy], [1, 2], [0, 1]))) == []


def test_the_table_tells_of_what_goes_to_the_host():
    import tensorflow as tf

    clips = tf.Variable(tf.zeros((4, 3), tf.uint8))
    here = tf.function(lambda: tf.gather(clips, [1])).get_concrete_function()
    moved = tf.function(lambda: tf.gather(clips.read_value(), [1])).get_concrete_function()
    assert without_kernel(here) == [] and "GatherV2" in without_kernel(moved)[0]
