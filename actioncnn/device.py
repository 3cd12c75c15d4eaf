"""The one place that decides on what, and how, Keras computes, and whether the memory there is holds it.

Call `setup` before anything else that needs Keras. Where memory does not suffice TensorFlow aborts, or the system
kills it.
"""

import contextlib
import json
import math
import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from actioncnn.cli import warn
from actioncnn.errors import UserError, one_line

WORTH_COMPILING = 300_000  # clips in all: XLA compiles for 25 s on an H100, and then saves 35 to 90 us a clip
SHARE = 3  # a set may take one third of a device's memory
START = 3e9  # bytes of address space that TensorFlow takes before a step (2.21, two cores: 2.6e9 abort, 3.5e9 do)
LIMITS = "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"  # of a container


class Device(NamedTuple):
    """What Keras computes on."""

    name: str
    precision: str  # the dtype policy of networks that are built from now on
    jit_compile: bool | str  # for Model.compile: whether XLA is of use here
    strategy: Any  # tf.distribute.Strategy: how a batch is divided among devices
    memory: int  # bytes of each of them, 0 where the set stays in the host's memory
    machines: int  # that train together, each by a process like this one
    chief: bool  # whether this process writes

    def holds(self, size):
        return size * SHARE <= self.memory

    def compiles(self, clips):
        """Whether XLA pays in a training on so many clips in all."""
        return bool(self.jit_compile) and self.strategy.num_replicas_in_sync == 1 and clips >= WORTH_COMPILING

    def whole_batch(self, batch):
        """The batch, or a little more, that can be divided evenly among the copies of the network."""
        copies = self.strategy.num_replicas_in_sync
        return -(-batch // copies) * copies


def cpus():
    """Number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def has_amx():
    """Whether the processor multiplies matrices of bfloat16: without AMX that is 2 (AVX512_BF16) to 22 times slower."""
    with contextlib.suppress(OSError):
        return "amx_bf16" in Path("/proc/cpuinfo").read_text()
    return False


def setup(precision="auto", gpus=None, programs=None):
    """Starts Keras on TensorFlow, quietly -> Device.

    gpus: how many at most, None: all. programs: folder that keeps what XLA compiles for a GPU. CPU: oneDNN kernels
    (2.3 times faster for Conv3D than TensorFlow's own, and off by default on some processors), no XLA (5 times slower
    there), bfloat16 where there is AMX (2 to 3 times faster), else float32. GPU: memory grows as needed, XLA, and
    float16 on tensor cores. UserError: there is no room for TensorFlow.
    """
    check_start()
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # start-up chatter
    card = nvidia()
    if programs and card:
        keep_programs(programs, card)
    with quiet():
        import keras
        import tensorflow as tf

    tf.get_logger().setLevel("ERROR")
    found = tf.config.list_physical_devices("GPU")[:gpus]
    tf.config.set_visible_devices(found, "GPU")
    for gpu in found:
        tf.config.experimental.set_memory_growth(gpu, True)
    machines, chief = cluster()
    strategy = divided(tf, machines, len(found))
    details = [tf.config.experimental.get_device_details(gpu) for gpu in found[:1]]
    tensor_cores = bool(details) and details[0].get("compute_capability", (0, 0)) >= (7, 0)
    mixed = precision == "mixed" or (precision == "auto" and (tensor_cores if found else has_amx()))
    policy = "mixed_float16" if mixed and found else "mixed_bfloat16" if mixed else "float32"
    keras.config.set_dtype_policy(policy)
    name = details[0].get("device_name", "GPU") if found else f"CPU ({cpus()} cores)"
    name += f" x {strategy.num_replicas_in_sync}" * (strategy.num_replicas_in_sync > 1)
    room = card.memory if found and card else 0
    return Device(name, policy, "auto" if found else False, strategy, room, machines, chief)


def cluster():
    """(number of machines that train together by TF_CONFIG, whether this is the one that writes)."""
    try:
        config = json.loads(os.environ.get("TF_CONFIG") or "{}")
        machines, task = config.get("cluster", {}), config.get("task", {})
        count = sum(len(machines.get(kind, ())) for kind in ("chief", "worker"))
        first = task.get("type") == ("chief" if "chief" in machines else "worker") and int(task.get("index", 0)) == 0
    except (ValueError, TypeError, AttributeError) as error:
        raise UserError(f"TF_CONFIG: is not what TensorFlow takes ({one_line(error)}); mend or unset it") from None
    return max(count, 1), count < 2 or first


def divided(tf, machines, gpus):
    """The strategy by which a batch is divided: among machines, among the GPUs here, or not at all."""
    if machines > 1:
        with quiet():
            return tf.distribute.MultiWorkerMirroredStrategy()
    return tf.distribute.MirroredStrategy() if gpus > 1 else tf.distribute.get_strategy()


class Card(NamedTuple):
    """A GPU as NVIDIA's driver tells of it."""

    name: str
    driver: str
    memory: int  # bytes


def nvidia():
    """The GPU with the least memory as a Card, or None where the driver tells of none."""
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader,nounits"]
    with contextlib.suppress(OSError, ValueError, subprocess.SubprocessError):
        told = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True).stdout
        rows = [line.rsplit(", ", 2) for line in told.splitlines()]
        return min((Card(name, driver, int(mib) << 20) for name, driver, mib in rows), key=lambda card: card.memory)
    return None


def keep_programs(folder, card):
    """Has XLA keep what it compiles, for this card and these versions; TensorFlow reads the flags when imported."""
    name = "-".join(["xla", version("tensorflow"), card.name, card.driver])
    folder = Path(folder).absolute() / re.sub(r"[^\w.-]+", "_", name)
    with contextlib.suppress(OSError):  # nothing is kept then
        folder.mkdir(parents=True, exist_ok=True)
        flags = f"--tf_xla_persistent_cache_directory='{folder}' --tf_xla_persistent_cache_prefix=actioncnn"
        os.environ.setdefault("TF_XLA_FLAGS", flags)


def begin_anew():
    """Frees what Keras holds of former networks; the names that it gives count from none, the precision stays."""
    import keras

    policy = keras.config.dtype_policy()
    keras.backend.clear_session(free_memory=True)
    keras.config.set_dtype_policy(policy)  # Keras forgets this too


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


def address_space():
    """Bytes that this process may map in all (`ulimit -v`); inf where there is no limit."""
    with contextlib.suppress(ImportError):  # Windows
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        return math.inf if limit == resource.RLIM_INFINITY else limit
    return math.inf


def free():
    """Bytes of memory that the machine has left, or the container in all; inf where neither tells."""
    left = math.inf
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        left = next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    for limit in LIMITS:
        with contextlib.suppress(OSError, ValueError):  # `max` is no limit
            left = min(left, int(Path(limit).read_text()))
    return left


def check_start():
    """UserError: TensorFlow would abort while it starts."""
    if address_space() < START:
        raise UserError(
            f"a process may take {address_space() / 1e9:.1f} GB of addresses here (ulimit -v), and TensorFlow needs"
            f" {START / 1e9:.1f} GB to start; raise the limit"
        )


def check_step(model, batch):
    """Tells, or raises UserError, where a step of training on `batch` clips surely does not fit.

    The least that it takes is what all layers put out, once (measured: .9 to 2.6 times as much).
    """
    outputs = [layer.output for layer in model.layers]
    need = batch * sum(math.prod(output.shape[1:]) * (2 if "16" in output.dtype else 4) for output in outputs)
    takes = f"a step of training on {batch} clips takes {need / 1e9:.1f} GB or more"
    remedy = "choose a smaller --batch, --size or --depth"
    if need + START > address_space():
        raise UserError(f"{takes}, and ulimit -v leaves {max(address_space() - START, 0) / 1e9:.1f} GB; {remedy}")
    if need > free():
        warn(f"{takes}, and {free() / 1e9:.1f} GB are free: the system may end this program; if so, {remedy}")
