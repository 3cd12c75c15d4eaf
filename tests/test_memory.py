"""What does not fit into memory is told before TensorFlow aborts."""

import math
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import ROOT

from actioncnn import cli, device
from actioncnn.errors import UserError


def test_what_is_left_is_told():
    assert device.free() > 1e6 and (math.isfinite(device.free()) or not Path("/proc/meminfo").exists())
    assert device.address_space() > 1e9


def test_too_little_address_space_is_one_line(tmp_path, bars):
    limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (2 * 10**9, resource.RLIM_INFINITY))  # noqa: E731
    command = [sys.executable, ROOT / "3dcnn.py", "--videos", bars, "--nclass", "2", "--workers", "1"]
    command += ["--cache", tmp_path, "--output", tmp_path / "run"]
    ended = subprocess.run(command, preexec_fn=limit, capture_output=True, text=True)
    assert ended.returncode == 1
    assert "ulimit -v" in ended.stderr.splitlines()[-1] and "Traceback" not in ended.stderr


@pytest.mark.parametrize("free, space, said", [(1e15, math.inf, False), (3e7, math.inf, True), (1e15, 3.03e9, None)])
def test_a_step_that_does_not_fit(monkeypatch, capsys, free, space, said):
    from actioncnn.train.networks import residual

    monkeypatch.setattr(device, "free", lambda: free)
    monkeypatch.setattr(device, "address_space", lambda: space)
    model = residual((32, 32, 10, 1), 2)
    if said is None:
        with pytest.raises(UserError, match="64 clips takes .* GB or more, and ulimit -v leaves 0.0 GB; choose a smal"):
            device.check_step(model, 64)
        return
    device.check_step(model, 64)
    assert ("64 clips takes" in capsys.readouterr().err) == said


class ResourceExhaustedError(Exception):
    """As TensorFlow calls its own."""


@pytest.mark.parametrize("kind", [ResourceExhaustedError, MemoryError])
def test_full_memory_is_one_line(kind):
    def main():
        raise kind("OOM when allocating")

    with pytest.raises(SystemExit) as ended:
        cli.run(main)
    assert "the memory is full" in ended.value.code and "\n" not in ended.value.code
