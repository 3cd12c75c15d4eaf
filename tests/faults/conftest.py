"""The videos of the faults, and the table at their end."""

import numpy as np
import pytest
from faults import harness
from helpers import bar, run_script, write_video


@pytest.fixture(scope="session")
def few(tmp_path_factory):
    """Bars that move left or right: 2 classes, a clip of each of 21 groups, so that all three splits are there."""
    directory, rng = tmp_path_factory.mktemp("few"), np.random.default_rng(0)
    for name, direction in (("BarLeft", -1), ("BarRight", 1)):
        for group in range(1, 22):
            write_video(directory / f"v_{name}_g{group:02d}_c01.avi", bar(rng, direction))
    return directory


@pytest.fixture(scope="session")
def options(few, cache):
    """Those of a run of seconds."""
    tiny = ["--nclass", 2, "--batch", 8, "--epoch", 2, "--size", 8, "--depth", 2]
    return ["--videos", few, "--cache", cache, *tiny]


@pytest.fixture(scope="session")
def whole(options, tmp_path_factory):
    """The folder of a run that nothing befell."""
    output = tmp_path_factory.mktemp("faults") / "whole"
    assert run_script("3dcnn.py", *options, "--output", output) == 0
    return output


def pytest_terminal_summary(terminalreporter):
    if harness.TABLE:
        terminalreporter.section("faults")
        for line in harness.table():
            terminalreporter.write_line(line)
