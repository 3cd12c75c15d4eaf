"""What memory is left, and whether it holds what is planned: where not, TensorFlow aborts, or the system kills it."""

import contextlib
import math
from pathlib import Path

from actioncnn.cli import warn
from actioncnn.errors import UserError

START = 3e9  # bytes of address space that TensorFlow takes before a step (2.21, two cores: 2.6e9 abort, 3.5e9 do)
LIMITS = "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"  # of a container


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
