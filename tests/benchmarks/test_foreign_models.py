"""The table of foreign models, of three kinds: one that every script takes, one of Keras 1, one that is refused."""

import re
import subprocess
import sys

import pytest
from helpers import ROOT


@pytest.mark.slow
def test_each_kind_has_a_row():
    line = [sys.executable, ROOT / "benchmarks" / "foreign_models.py", "--only", "EinsumDense", "2017", "Lambda"]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines() if line.startswith("| ")][1:]
    cells = {name: rest for name, _, *rest in rows}
    assert cells.keys() == {"3D CNN of 2017", "EinsumDense", "Lambda"}
    assert cells["EinsumDense"] == cells["3D CNN of 2017"] == ["all", "yes", "yes", "yes", "all"]
    assert cells["Lambda"] == ["no"] * 5 and re.search(r"- Lambda .*refused", done.stdout)
