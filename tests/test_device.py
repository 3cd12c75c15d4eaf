"""What the machine is, and which of several machines writes."""

import json
from collections import namedtuple

import pytest

from actioncnn import device
from actioncnn.errors import UserError


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, (1, 0)),
        ({"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}, (1, 0)),
        ({"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}, (2, 0)),
        ({"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}, (2, 1)),
        ({"cluster": {"chief": ["a:1"], "worker": ["b:1"]}, "task": {"type": "chief", "index": 0}}, (2, 0)),
        ({"cluster": {"chief": ["a:1"], "worker": ["b:1"]}, "task": {"type": "worker", "index": 0}}, (2, 1)),
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
    on = device.Device("", "float32", True, strategy, memory=900, machines=1, place=0)
    assert [on.whole_batch(batch) for batch in (1, 6, 128)] == [3, 6, 129]
    assert on.holds(300) and not on.holds(301) and on.chief and not on._replace(place=1).chief
    assert not on.compiles(10**9)  # XLA and several devices do not go together
    on = on._replace(strategy=type("Strategy", (), {"num_replicas_in_sync": 1})())
    assert on.compiles(device.WORTH_COMPILING) and not on.compiles(device.WORTH_COMPILING - 1)


@pytest.mark.parametrize(
    ("precision", "capability", "expected"),
    [
        ("auto", (9, 0), "mixed_bfloat16"),
        ("auto", (8, 0), "mixed_bfloat16"),
        ("auto", (7, 5), "mixed_float16"),
        ("auto", (6, 1), "float32"),
        ("mixed", (6, 1), "mixed_float16"),
        ("mixed", (8, 9), "mixed_bfloat16"),
        ("float32", (9, 0), "float32"),
        ("mixed", None, "mixed_bfloat16"),
        ("auto", None, "float32"),
    ],
)
def test_precision_is_what_the_card_is_made_for(monkeypatch, precision, capability, expected):
    monkeypatch.setattr(device, "has_amx", lambda: False)
    assert device.policy(precision, capability) == expected


def smi(folder, text, code=0):
    """A driver's tool that says so, on the PATH alone."""
    tool = folder / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\necho '{text}'\nexit {code}\n")
    tool.chmod(0o755)


@pytest.mark.parametrize(
    ("text", "code", "there", "named"),
    [
        ("NVIDIA H100 80GB HBM3, 580.95", 0, True, ["NVIDIA H100 80GB HBM3", "580.95"]),
        ("Tesla T4, 470.57", 0, False, ["Tesla T4", "470.57"]),  # as under WSL
        ("Failed to initialize NVML: Driver/library version mismatch", 18, True, ["mismatch"]),
        (None, 0, True, ["/nvidia0"]),  # no tool, as in containers
    ],
)
def test_a_card_that_tensorflow_cannot_use_is_told(monkeypatch, tmp_path, text, code, there, named):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(device, "CARD", str(tmp_path / "nvidia0"))
    assert device.unused_card() is None
    if there:
        (tmp_path / "nvidia0").touch()
    if text:
        smi(tmp_path, text, code)
    line = device.unused_card()
    assert all(word in line for word in [*named, "requirements-gpu.txt", "driver"]) and "\n" not in line
    for hidden in ("", "-1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
        assert device.unused_card() is None
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert device.unused_card() == line


def test_a_computer_without_cards_says_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(device, "CARD", str(tmp_path / "nvidia0"))
    assert device.unused_card() is None
    smi(tmp_path, "No devices were found", 6)
    assert device.unused_card() is None


def test_setup_says_so_and_joins_no_cluster_unless_it_trains(monkeypatch, capsys):
    monkeypatch.setattr(device, "unused_card", lambda: "a card")
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": {"worker": ["a:1", "b:1"]}, "task": {"index": 1}}))
    on = device.setup("float32")  # where it joined it would wait for ever
    assert on.machines == 1 and on.chief and not on.jit_compile
    assert capsys.readouterr().err.endswith(": a card\n")


def test_the_room_is_what_tensorflow_may_take_of_the_cards_in_use(monkeypatch):
    from tensorflow.python.client import device_lib

    kind = namedtuple("Attributes", "device_type memory_limit")
    there = [kind("CPU", 1), kind("GPU", 30), kind("GPU", 20)]
    monkeypatch.setattr(device_lib, "list_local_devices", lambda config: there)
    assert device.memory_of_cards() == 20
