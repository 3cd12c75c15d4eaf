"""The one place that decides on what, and how, Keras computes. Call `setup` before anything else that needs Keras."""

import contextlib
import os
import sys
from typing import NamedTuple


class Device(NamedTuple):
    """What Keras computes on."""

    name: str
    precision: str  # the dtype policy of networks that are built from now on
    jit_compile: bool | str  # for Model.compile


def cpus():
    """Number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def setup(precision="auto"):
    """Starts Keras on TensorFlow, quietly -> Device.

    CPU: oneDNN kernels (2.3 times faster for Conv3D than TensorFlow's own, and off by default on some processors),
    no XLA (5 times slower there) and float32. GPU: memory grows as needed, XLA and mixed precision by Keras's means.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # start-up chatter
    with quiet():
        import keras
        import tensorflow as tf

    tf.get_logger().setLevel("ERROR")
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus[:1]]
    tensor_cores = bool(details) and details[0].get("compute_capability", (0, 0)) >= (7, 0)
    mixed = precision == "mixed" or (precision == "auto" and tensor_cores)
    policy = "mixed_float16" if mixed and gpus else "mixed_bfloat16" if mixed else "float32"
    keras.config.set_dtype_policy(policy)
    name = details[0].get("device_name", "GPU") if gpus else f"CPU ({cpus()} cores)"
    return Device(name, policy, "auto" if gpus else False)


@contextlib.contextmanager
def quiet():
    """Standard error of C and C++ code goes nowhere meanwhile: TensorFlow logs before it reads its own log level."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
