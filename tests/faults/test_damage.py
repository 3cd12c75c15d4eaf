"""A resumed run trusts nothing that it finds: damage is one line that names the file and the way out."""

import json
import shutil

import pytest
from faults.harness import LONG, check, contents, draws, run_cut, tried, without_output
from faults.mutations import WAYS
from helpers import run_script

from actioncnn.runs import folder

AFTER_CHECKPOINT = 4  # changes of a run's folder: args.json, twice, classes.txt, checkpoint.h5
VALUES = [None, 3, -1, 1e400, "text", [], {}, [[]], True, "../x"]


def other_value(content, random):
    """A value of JSON at any place becomes one of another type, or goes."""
    tree = node = json.loads(content)
    while True:
        key = random.choice(list(node) if isinstance(node, dict) else range(len(node)))
        if isinstance(node[key], dict | list) and node[key] and random.random() < 0.7:
            node = node[key]
            continue
        node[key] = random.choice(VALUES)
        if random.random() < 0.3:
            del node[key]
        return json.dumps(tree).encode()


def one_line(error):
    lines = [line for line in error.replace("\r", "\n").splitlines() if line.strip() and "%" not in line]
    assert len(lines) == 1, error
    return lines[0]


@pytest.mark.slow
def test_damaged_records_and_checkpoints(options, whole, tmp_path, monkeypatch, capfd):
    """The run ends with one line, or goes on to the result of an undamaged one; never to another."""
    kind, script = "damaged args.json or checkpoint, resumed", "3dcnn.py"
    expected = without_output(contents(whole))
    assert run_cut(monkeypatch, tmp_path / "kept", AFTER_CHECKPOINT, script, *options)
    assert (tmp_path / "kept" / "checkpoint.h5").exists()
    random = draws(kind)
    for number in range(120 if LONG else 2):
        output = shutil.copytree(tmp_path / "kept", tmp_path / "damaged")
        name = [folder.ARGS, "checkpoint.h5"][number % 2]
        ways = list(WAYS) + [other_value] * 4 * (name == folder.ARGS)
        damage = random.choice(ways)
        path = output / name
        path.write_bytes(damage(path.read_bytes(), random))
        with tried(kind, f"{name} {damage.__name__} ({number})"):
            capfd.readouterr()
            code = run_script(script, *options, "--output", output, "--resume")
            error = capfd.readouterr().err
            if code == 0:
                assert without_output(contents(output)) == expected, "another result"
            else:
                line = one_line(error)
                assert code == 1 and str(output) in line and "start" in line, line
        shutil.rmtree(output)
    check(kind)
