"""compare.py, and the page that a training run writes."""

import csv
import html
import json
import subprocess
import sys

import numpy as np
import pytest
from helpers import ROOT
from made_runs import made_run

from actioncnn.runs.run import count_parameters, read_run
from actioncnn.runs.tested import is_within


@pytest.fixture
def folders(tmp_path):
    """Three runs: two seeds of one setting, and a better one."""
    base = np.random.default_rng(0).random(300)
    shares = {"a0": (0.4, {}), "a1": (0.42, {"seed": 1}), "b": (0.75, {"skip": False})}
    return [made_run(tmp_path / n, base < share, list("ABCD"), groups=15, **o) for n, (share, o) in shares.items()]


def test_as_a_script(folders, tmp_path):
    command = [sys.executable, ROOT / "compare.py", "a0", "a1", "b", "--html", "--csv", "table.csv"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "b is better than a0 (2 seeds) by" in done.stdout and "page: comparison.html" in done.stdout
    assert "<h1>Comparison of 3 runs" in (tmp_path / "comparison.html").read_text()
    with (tmp_path / "table.csv").open(newline="") as file:
        assert [row["seeds"] for row in csv.DictReader(file)] == ["2", "1"]


def test_json_is_all_on_standard_output(run, folders, tmp_path):
    code, output, _ = run("compare.py", *folders, "--json", "--html", tmp_path / "page.html")
    read = json.loads(output)
    assert code == 0 and [setting["of"] for setting in read["settings"]] == [["a0", "a1"], ["b"]]
    assert read["pairs"][0]["better"] == "b" and (tmp_path / "page.html").exists()


def test_what_is_no_run_is_left_out(run, folders, tmp_path):
    code, output, error = run("compare.py", folders[0], tmp_path / "none", folders[2])
    assert code == 1 and "b is better than a0" in output
    assert error.count("\n") == 1 and "left out" in error and "none" in error
    code, output, error = run("compare.py", tmp_path / "none")
    assert code == 1 and not output and error.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "RUN"),
        (["x", "--html", "--evidence"], "needs --videos"),
        (["x", "--videos", "d"], "needs --html"),
        (["x", "--csv", "{tmp}/no/x.csv"], "no directory"),
    ],
)
def test_wrong_usage_is_one_line(run, tmp_path, options, words):
    code, _, error = run("compare.py", *(option.format(tmp=tmp_path) for option in options))
    assert code == 2 and words in error and error.count("\n") == 1


@pytest.mark.slow
def test_a_training_run_writes_its_page(run, trained_run, bars, tmp_path):
    made = read_run(trained_run)
    page = (trained_run / "report.html").read_text()
    assert page.count("data:image/webp") >= 2 and "python 3dcnn.py" in page
    assert f"{len(made.files)} test clips of {len(set(made.groups))} groups" in page
    assert made.record["seconds"] > 0 and all(line in html.unescape(page) for line in (made.notes[0], made.verdicts[0]))
    assert made.record["parameters"] == count_parameters(trained_run, made.record) > 1000
    code, output, error = run("compare.py", "--html", trained_run)
    assert code == 0 and (trained_run / "report.html").exists()  # the run is no value of the switch
    code, output, error = run("compare.py", trained_run, "--html", tmp_path / "again.html", "--videos", bars)
    assert code == 0 and "again.html" in output and not error
    assert (tmp_path / "again.html").read_text() == page  # with the clips read from their videos once more


def test_a_page_without_its_videos_says_so(run, folders):
    code, _, error = run("compare.py", folders[0], "--html", "--videos", folders[0])
    assert code == 0 and error.count("\n") == 1 and "without them" in error
    assert "data:image/webp" not in (folders[0] / "report.html").read_text()


def test_only_the_command_line_says_whose_clips_are_shown(run, trained_run, bars, tmp_path):
    """The record of the run names `bars`."""
    code, _, error = run("compare.py", trained_run, "--html", tmp_path / "page.html")
    assert code == 0 and "--videos" in error and "data:image/webp" not in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize("name", ["../../secret.avi", "/etc/secret.avi", "a/../../secret.avi"])
def test_names_do_not_lead_out_of_the_dataset(name):
    assert not is_within(name) and is_within("a/b/../clip.avi")


@pytest.mark.slow
def test_evidence_of_the_mistakes(run, trained_run, bars, tmp_path):
    wrong = int((~read_run(trained_run).right).sum())
    assert wrong
    code, _, error = run("compare.py", trained_run, "--html", tmp_path / "page.html", "--videos", bars, "--evidence")
    assert code == 0 and "without evidence" not in error
    assert (tmp_path / "page.html").read_text().count('alt="what speaks for') == 2 * min(wrong, 12)
