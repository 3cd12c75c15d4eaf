"""The one place that decides on what, and how, Keras computes, and whether the memory there is holds it.

Call `setup` before anything else that needs Keras. Where memory does not suffice TensorFlow aborts, or the system
kills it.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from actioncnn.cli import warn
from actioncnn.errors import UserError, one_line

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

WORTH_COMPILING = 2_300  # steps in all: XLA compiles for 25 s on an H100, and then saves about 11 ms a step
SHARE = 3  # a set may take one third of a device's memory
START = 3e9  # bytes of address space that TensorFlow takes before a step (2.21, two cores: 2.6e9 abort, 3.5e9 do)
CARD = "/dev/nvidia0"  # there with a driver and a GPU
REMEDY = "install requirements-gpu.txt and a driver of 525 or newer; restart the computer after an update of the driver"
LIMITS = "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"  # of a container


class Device(NamedTuple):
    """What Keras computes on."""

    name: str
    precision: str  # the dtype policy of networks that are built from now on
    jit_compile: bool  # whether XLA is of use here
    strategy: tf.distribute.Strategy  # how a batch is divided among devices
    memory: int  # bytes of each of them, 0 where the set stays in the host's memory
    machines: int  # that train together, each by a process like this one
    place: int  # of this process among them

    @property
    def chief(self) -> bool:
        """Whether this process writes."""
        return self.place == 0

    def holds(self, size: int) -> bool:
        return size * SHARE <= self.memory

    def compiles(self, steps: int) -> bool:
        """Whether XLA pays in a training of so many steps in all."""
        return self.jit_compile and self.strategy.num_replicas_in_sync == 1 and steps >= WORTH_COMPILING

    def places(self) -> tuple[str | None, ...]:
        """The devices of this machine, each of which has a copy of the network, by TensorFlow's names; None: any."""
        several = self.strategy.num_replicas_in_sync > 1
        return self.strategy.extended.worker_devices if several else (None,)

    def whole_batch(self, batch: int) -> int:
        """The batch, or a little more, that can be divided evenly among the copies of the network."""
        copies = self.strategy.num_replicas_in_sync
        return -(-batch // copies) * copies


def cpus() -> int:
    """Number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def has_amx() -> bool:
    """Whether the processor multiplies matrices of bfloat16: without AMX that is 2 (AVX512_BF16) to 22 times slower."""
    with contextlib.suppress(OSError):
        return "amx_bf16" in Path("/proc/cpuinfo").read_text()
    return False


def setup(precision: str = "auto", gpus: int = 1, training: bool = False) -> Device:
    """Starts Keras on TensorFlow, quietly -> Device.

    gpus: how many at most. training: whether to join the machines of TF_CONFIG, and to prepare XLA. CPU: oneDNN kernels
    (2.3 times faster for Conv3D than TensorFlow's own, and off by default on some processors), no XLA (5 times slower
    there), bfloat16 where there is AMX (2 to 3 times faster), else float32. GPU: memory grows as needed, XLA, and
    16 bits on tensor cores, see `policy`. UserError: there is no room for TensorFlow.
    """
    check_start()
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # start-up chatter
    with quiet():
        import keras
        import tensorflow as tf

    tf.get_logger().setLevel("ERROR")
    with quiet():
        cards = tf.config.list_physical_devices("GPU")[:gpus]
    if not cards and (problem := unused_card()):
        warn(problem)
    tf.config.set_visible_devices(cards, "GPU")
    for card in cards:
        tf.config.experimental.set_memory_growth(card, True)
    machines, place = cluster() if training else (1, 0)
    strategy = divided(tf, machines, len(cards))
    details = tf.config.experimental.get_device_details(cards[0]) if cards else {}
    dtypes = policy(precision, details.get("compute_capability", (0, 0)) if cards else None)
    keras.config.set_dtype_policy(dtypes)
    name = details.get("device_name", "GPU") if cards else f"CPU ({cpus()} cores)"
    if strategy.num_replicas_in_sync > 1:
        name += f" x {strategy.num_replicas_in_sync}"
    return Device(name, dtypes, bool(cards) and training, strategy, memory_of_cards() if cards else 0, machines, place)


def policy(precision: str, capability: tuple[int, int] | None) -> str:
    """The dtype policy of networks, by --precision and the compute capability of a GPU; None: on a CPU.

    bfloat16 has the range of float32. float16, for GPUs before 8.0 (before 2020), overflows, so losses are scaled.
    """
    if precision == "auto":
        precision = "mixed" if (has_amx() if capability is None else capability >= (7, 0)) else "float32"
    if precision == "float32":
        return precision
    return "mixed_bfloat16" if capability is None or capability >= (8, 0) else "mixed_float16"


def memory_of_cards() -> int:
    """Bytes that TensorFlow may take of the GPU in use that has the least; what others took of it counts as gone."""
    from tensorflow.python.client import device_lib
    from tensorflow.python.eager import context

    with quiet():
        context.ensure_initialized()
        devices = device_lib.list_local_devices(context.context().config)
    return min((each.memory_limit for each in devices if each.device_type == "GPU"), default=0)


def cluster() -> tuple[int, int]:
    """(number of machines that train together by TF_CONFIG, the place of this one among them; the first writes)."""
    try:
        config = json.loads(os.environ.get("TF_CONFIG") or "{}")
        machines, task = config.get("cluster", {}), config.get("task", {})
        counts = {kind: len(machines.get(kind, ())) for kind in ("chief", "worker")}
        place = int(task.get("index", 0)) + (counts["chief"] if task.get("type") == "worker" else 0)
    except (ValueError, TypeError, AttributeError) as error:
        raise UserError(f"TF_CONFIG: is not what TensorFlow takes ({one_line(error)}); mend or unset it") from None
    count = sum(counts.values())
    return (count, place) if count > 1 else (1, 0)


def divided(tf: ModuleType, machines: int, gpus: int) -> tf.distribute.Strategy:
    """The strategy by which a batch is divided: among machines, among the GPUs here, or not at all."""
    if machines > 1:
        with quiet():
            return tf.distribute.MultiWorkerMirroredStrategy()
    return tf.distribute.MirroredStrategy() if gpus > 1 else tf.distribute.get_strategy()


def agree(on: Device, facts: dict[str, Any]) -> None:
    """UserError, on each machine of TF_CONFIG, where they differ in facts, a dict {what: text or number}.

    Machines that differ in them would wait for each other for ever, or end with an error of TensorFlow.
    """
    if on.machines == 1:
        return
    from tensorflow.python.eager.context import context

    facts = {"--gpus": on.strategy.num_replicas_in_sync // on.machines, "--precision": on.precision} | facts
    context().set_config_key_value(f"facts/{on.place}", json.dumps(facts))
    told = [json.loads(context().get_config_key_value(f"facts/{place}")) for place in range(on.machines)]
    context().set_config_key_value(f"read/{on.place}", "yes")
    if on.place == 0:  # it answers the others, so it may not end before they have read
        for place in range(on.machines):
            context().get_config_key_value(f"read/{place}")
    for what in facts:
        values = [str(each.get(what)) for each in told]
        if len(set(values)) > 1:
            raise UserError(f"TF_CONFIG: the machines differ in {what}: {', '.join(values)}; start all of them alike")


def unused_card() -> str | None:
    """A line on an NVIDIA GPU that is there, and that TensorFlow cannot use; None where there is none, or it is hidden.

    CUDA_VISIBLE_DEVICES hides all of them where it is empty, or begins with a number below 0.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None and (not visible.strip() or visible.strip().startswith("-")):
        return None
    query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    told = ""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        told = subprocess.run(query, capture_output=True, text=True, timeout=20).stdout
    name, _, driver = next(iter(told.splitlines()), "").rpartition(", ")
    if not name and not Path(CARD).exists():
        return None
    card = f"{name} (driver {driver})" if name else f"the GPU {' '.join(told.split()) or CARD}"
    return f"TensorFlow cannot use {card}, so the CPU computes; {REMEDY}"


def begin_anew() -> None:
    """Frees what Keras holds of former networks; the names that it gives count from none, the precision stays."""
    import keras

    policy = keras.config.dtype_policy()
    keras.backend.clear_session(free_memory=True)
    keras.config.set_dtype_policy(policy)  # Keras forgets this too


@contextlib.contextmanager
def quiet() -> Iterator[None]:
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


def address_space() -> float:
    """Bytes that this process may map in all (`ulimit -v`); inf where there is no limit."""
    with contextlib.suppress(ImportError):  # Windows
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        return math.inf if limit == resource.RLIM_INFINITY else limit
    return math.inf


def free() -> float:
    """Bytes of memory that the machine has left, or the container in all; inf where neither tells."""
    left = math.inf
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        left = next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    for limit in LIMITS:
        with contextlib.suppress(OSError, ValueError):  # `max` is no limit
            left = min(left, int(Path(limit).read_text()))
    return left


def check_start() -> None:
    """UserError: TensorFlow would abort while it starts."""
    if address_space() < START:
        raise UserError(
            f"a process may take {address_space() / 1e9:.1f} GB of addresses here (ulimit -v), and TensorFlow needs"
            f" {START / 1e9:.1f} GB to start; raise the limit"
        )


def check_step(model: keras.Model, batch: int) -> None:
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
