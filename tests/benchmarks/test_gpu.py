"""The benchmark of a GPU, small, on whatever computes here: each row has its figures."""

import re
import subprocess
import sys

import pytest
from helpers import ROOT


@pytest.mark.slow
def test_each_row_has_its_figures():
    options = ["--clips", "48", "--batch", "16", "--epochs", "3", "--trainings", "2"]
    done = subprocess.run([sys.executable, ROOT / "benchmarks" / "gpu.py", *options], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = [line.split(" | ") for line in done.stdout.splitlines() if line.startswith("| ")][2:]
    assert [row[0] for row in rows] == ["| residual", "| cnn3d"]
    for row in rows:
        assert re.fullmatch(r"[\d,]+ \[[\d,]+-[\d,]+\]", row[6]) and float(row[7]) > 0
    assert re.search(r"predict.py, one video, twice: \[\d+\.\d+, \d+\.\d+\] s", done.stdout)


def test_without_time_it_says_so():
    line = [sys.executable, ROOT / "benchmarks" / "gpu.py", "--minutes", "0"]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.count("no time was left") > 10
