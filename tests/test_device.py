"""What the machine is, and which of several machines writes."""

import json

import pytest

from actioncnn import device
from actioncnn.errors import UserError


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, (1, True)),
        ({"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}, (1, True)),
        ({"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}, (2, True)),
        ({"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}, (2, False)),
        ({"cluster": {"chief": ["a:1"], "worker": ["b:1"]}, "task": {"type": "chief", "index": 0}}, (2, True)),
        ({"cluster": {"chief": ["a:1"], "worker": ["b:1"]}, "task": {"type": "worker", "index": 0}}, (2, False)),
    ],
)
def test_one_machine_writes(monkeypatch, config, expected):
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    assert device.cluster() == expected


@pytest.mark.parametrize("text", ["{", "[1]", '{"cluster": 3}', '{"task": {"type": "worker", "index": "x"}}'])
def test_a_damaged_cluster_is_one_line(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UserError, match="TF_CONFIG"):
        device.cluster()


def test_amx_is_read_from_the_flags(monkeypatch):
    for flags, amx in (("avx512_bf16 avx2", False), ("amx_tile amx_bf16", True)):
        monkeypatch.setattr(device.Path, "read_text", lambda path, flags=flags: flags)
        assert device.has_amx() == amx


def test_a_batch_is_divided_evenly():
    strategy = type("Strategy", (), {"num_replicas_in_sync": 3})()
    on = device.Device("", "float32", "auto", strategy, memory=900, machines=1, chief=True)
    assert [on.whole_batch(batch) for batch in (1, 6, 128)] == [3, 6, 129]
    assert on.holds(300) and not on.holds(301)
    assert not on.compiles(10**9)  # XLA and several devices do not go together
    assert on._replace(strategy=type("Strategy", (), {"num_replicas_in_sync": 1})()).compiles(device.WORTH_COMPILING)


def smi(folder, rows):
    """A driver's tool that tells of these GPUs, on the PATH alone."""
    tool = folder / "nvidia-smi"
    tool.write_text("#!/bin/sh\n" + "".join(f"echo '{row}'\n" for row in rows))
    tool.chmod(0o755)
    return str(folder)


def test_the_driver_tells_of_cards(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert device.nvidia() is None  # no driver
    smi(tmp_path, ["NVIDIA H100 80GB HBM3, 580.95, 81559", "Tesla T4, 580.95, 15360"])
    assert device.nvidia() == ("Tesla T4", "580.95", 15360 << 20)
    smi(tmp_path, ["No devices were found"])
    assert device.nvidia() is None


def test_programs_are_kept_for_a_card_and_versions(monkeypatch, tmp_path):
    monkeypatch.setenv("TF_XLA_FLAGS", "")
    monkeypatch.delenv("TF_XLA_FLAGS")
    device.keep_programs(tmp_path / "a folder", device.Card("Tesla T4", "580.95", 1))
    (folder,) = (tmp_path / "a folder").iterdir()
    assert folder.name.startswith("xla-2.") and folder.name.endswith("-Tesla_T4-580.95")
    assert f"directory='{folder}'" in device.os.environ["TF_XLA_FLAGS"]
    monkeypatch.delenv("TF_XLA_FLAGS")
    device.keep_programs("/proc/nothing", device.Card("Tesla T4", "580.95", 1))  # not writable: nothing is kept
    assert "TF_XLA_FLAGS" not in device.os.environ
