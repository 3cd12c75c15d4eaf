"""What the machine is, and which of several machines writes."""

import json

import pytest

from actioncnn import device
from actioncnn.errors import UserError


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, (0, True)),
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
    on = device.Device("", "float32", "auto", strategy, 900, True)
    assert [on.whole_batch(batch) for batch in (1, 6, 128)] == [3, 6, 129]
    assert on.holds(300) and not on.holds(301)
    assert not on.compiles(10**9)  # XLA and several devices do not go together
    assert on._replace(strategy=type("Strategy", (), {"num_replicas_in_sync": 1})()).compiles(device.WORTH_COMPILING)
