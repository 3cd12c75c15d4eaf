"""Options, their types, usage errors: before anything heavy is imported."""

import subprocess
import sys
import time

import pytest
from conftest import ROOT

from actioncnn import cli

TRAINERS = ["3dcnn.py", "3dcnn_ensemble.py", "3dcnn-my-model.py", "2dcnn.py"]
DEFAULTS = {"batch": 128, "epoch": 100, "nclass": 101, "color": False, "skip": True, "depth": 10}


def test_defaults_of_2017():
    args = vars(cli.training_parser("").parse_args(["--output", "x"]))
    assert {name: args[name] for name in DEFAULTS} == DEFAULTS
    assert str(args["videos"]) == "UCF101"
    assert cli.training_parser("", nmodel=True).parse_args(["--output", "x"]).nmodel == 3


def test_the_line_of_2017_parses():
    line = (
        "--batch 32 --epoch 50 --videos dataset/ --nclass 10 --output 3dcnnresult/ --color True --skip False --depth 10"
    )
    args = cli.training_parser("").parse_args(line.split())
    assert (args.color, args.skip, args.depth, args.nclass) == (True, False, 10, 10)


@pytest.mark.parametrize(
    ("words", "value"),
    [([], True), (["True"], True), (["yes"], True), (["1"], True), (["FALSE"], False), (["no"], False), (["0"], False)],
)
def test_booleans(words, value):
    assert cli.training_parser("").parse_args(["--output", "x", "--color", *words]).color is value


@pytest.mark.parametrize(
    "words",
    [
        ["--batch", "0"],
        ["--depth", "-1"],
        ["--color", "maybe"],
        ["--epoch", "1.5"],
        ["--split", "4"],
        ["--nclass", "1"],
        ["--learning-rate", "0"],
        ["--learning-rate", "nan"],
        ["--bat", "3"],
        ["--size", "4"],
    ],
)
def test_usage_errors(words, capsys):
    with pytest.raises(SystemExit) as end:
        cli.training_parser("").parse_args(["--output", "x", *words])
    assert end.value.code == 2
    assert words[0] in capsys.readouterr().err


def test_2d_has_no_clip_options():
    args = cli.training_parser("", video=False).parse_args(["--output", "x"])
    assert not hasattr(args, "skip") and not hasattr(args, "depth")


@pytest.mark.parametrize("script", TRAINERS)
def test_help_is_light(script, tmp_path):
    """--help imports neither numpy nor anything above it, and works from another directory."""
    watch = "import runpy, sys; sys.argv = sys.argv[1:]\ntry: runpy.run_path(sys.argv[0], run_name='__main__')\n"
    watch += "finally: print([name for name in ('numpy', 'cv2', 'keras', 'tensorflow') if name in sys.modules])"
    command = [
        sys.executable,
        "-c",
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{watch}",
        str(ROOT / script),
        "--help",
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True)
    assert "--videos" in done.stdout and done.stdout.strip().endswith("[]")
    start = time.perf_counter()
    done = subprocess.run([sys.executable, str(ROOT / script)], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2 and "--output" in done.stderr and done.stderr.count("\n") == 1
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("script", sorted(path.name for path in (ROOT / "benchmarks").glob("*.py")))
def test_benchmarks_start(script):
    done = subprocess.run([sys.executable, str(ROOT / "benchmarks" / script), "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and "usage" in done.stdout


def test_errors_are_one_line(capsys):
    def main():
        raise cli.UserError("--videos x: no such directory")

    with pytest.raises(SystemExit) as end:
        cli.run(main)
    assert str(end.value).endswith("--videos x: no such directory") and "\n" not in str(end.value)


def test_a_missing_package_is_named_in_one_line(tmp_path):
    """As where a script is run by a Python that has none of the requirements: -S hides the installed packages."""
    done = subprocess.run(
        [sys.executable, "-S", str(ROOT / "3dcnn.py"), "--output", tmp_path], capture_output=True, text=True
    )
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "is not installed" in done.stderr and "requirements.txt" in done.stderr
