"""A run of many epochs keeps neither memory nor descriptors nor processes that have ended."""

import contextlib
import subprocess
import sys
import time
from pathlib import Path

import pytest
from faults.harness import LONG, check, tried
from helpers import ROOT

EPOCHS = 200
GROWTH = 20e6  # bytes that memory may grow by in the last three quarters


def state(process):
    """(bytes, descriptors, processes that have ended and are not waited for) of a process and its children."""
    folder = Path("/proc", str(process))
    status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
    children = (folder / "task" / str(process) / "children").read_text().split()
    ended = 0
    for child in children:
        with contextlib.suppress(OSError):
            ended += Path("/proc", child, "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return 1024 * int(status["VmRSS"].split()[0]), len(list((folder / "fd").iterdir())), ended


def watched(command, results):
    """Runs a command -> (exit code, {number of finished epochs: state})."""
    process, seen = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL), {}
    while process.poll() is None:
        with contextlib.suppress(OSError, IndexError, ValueError, KeyError):
            seen[len(results.read_text().splitlines()) - 1] = state(process.pid)
        time.sleep(0.1)
    return process.returncode, seen


@pytest.mark.slow
@pytest.mark.skipif(not LONG or not Path("/proc/self/status").exists(), reason="takes minutes: make faults")
def test_many_epochs(options, tmp_path):
    kind = f"{EPOCHS} epochs"
    command = [sys.executable, ROOT / "3dcnn.py", *options, "--epoch", EPOCHS, "--output", tmp_path]
    with tried(kind, "3dcnn.py") as spent:
        code, seen = watched(list(map(str, command)), tmp_path / "result.txt")
        (memory, descriptors, _), last = (seen[min(seen, key=lambda found: abs(found - at))] for at in (50, EPOCHS - 2))
        spent["bytes"] = max(found[0] for found in seen.values())
        assert code == 0 and len(seen) > 10, (code, len(seen))
        assert last[0] - memory < GROWTH, f"{last[0] - memory} bytes more after the last epoch than after 50"
        assert last[1] == descriptors and not any(found[2] for found in seen.values()), (descriptors, last)
        print(f"memory after 50 epochs {memory / 1e6:.1f} MB, after the last {last[0] / 1e6:.1f} MB")
    check(kind)
