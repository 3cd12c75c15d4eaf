"""Scripts answer before anything heavy is imported; mistakes are told in one line."""

import argparse
import subprocess
import sys

import pytest
from helpers import ROOT

from actioncnn import __version__, cli
from actioncnn.errors import UserError

TRAINERS = ["3dcnn.py", "3dcnn_ensemble.py", "3dcnn-my-model.py", "2dcnn.py"]


@pytest.mark.parametrize("script", TRAINERS)
def test_usage_errors_of_scripts_are_one_line(script, tmp_path):
    done = subprocess.run([sys.executable, str(ROOT / script)], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2 and "--output" in done.stderr and done.stderr.count("\n") == 1


BENCHMARKS = [path.name for path in sorted((ROOT / "benchmarks").glob("*.py")) if "__main__" in path.read_text()]


@pytest.mark.parametrize("script", BENCHMARKS)
def test_benchmarks_start(script):
    done = subprocess.run([sys.executable, str(ROOT / "benchmarks" / script), "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and "usage" in done.stdout


def test_errors_are_one_line(capsys):
    def main():
        raise UserError("--videos x: no such directory")

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


SCRIPTS = [path.name for path in sorted(ROOT.glob("*.py"))]


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_says_its_version(script):
    done = subprocess.run([sys.executable, str(ROOT / script), "--version"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout == f"actioncnn {__version__}\n"


@pytest.mark.parametrize(
    ("words", "large", "files"),
    [
        (["--large", "a.avi"], True, ["a.avi"]),
        (["a.avi", "--large"], True, ["a.avi"]),
        (["--large", "False", "a.avi"], False, ["a.avi"]),
        (["--large", "--seed", "1", "a.avi"], True, ["a.avi"]),
        (["--large", "on", "--", "--large", "b"], True, ["--large", "b"]),
        (["--large=no", "a.avi"], False, ["a.avi"]),
        (["a.avi"], None, ["a.avi"]),
    ],
)
def test_a_switch_takes_no_word_that_is_not_its_own(words, large, files):
    parser = cli.parser("")
    parser.add_argument("files", nargs="+")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--large", **cli.SWITCH)
    args = parser.parse_args(words)
    assert (args.large, args.files) == (large, files)


@pytest.mark.parametrize("text", ["0", "0.0", "0e3", "-0", " 0.00"])
def test_zero_is_zero(text):
    assert str(cli.not_negative(text)) == "0.0"


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "x", ""])
def test_what_is_no_number_from_zero_on(text):
    with pytest.raises(argparse.ArgumentTypeError):
        cli.not_negative(text)


NAMES = """
import sys
sys.path.insert(0, {root!r})
from actioncnn import cli, device
def main():
    with device.quiet():
        pass
    print("Größe █")
    cli.warn("█")
    open("done", "w").close()
cli.run(main)
"""


@pytest.mark.parametrize("redirection", ["", ">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_terminal_and_closed_streams(tmp_path, redirection, encoding):
    (tmp_path / "x.py").write_text(NAMES.format(root=str(ROOT)))
    environment = {"PATH": "/usr/bin:/bin", "PYTHONIOENCODING": encoding}
    shell = ["sh", "-c", f"{sys.executable} x.py {redirection}"]
    done = subprocess.run(shell, cwd=tmp_path, env=environment, capture_output=True)
    assert done.returncode == 0 and (tmp_path / "done").exists(), done.stderr
    assert b"Traceback" not in done.stderr and (">&-" in redirection or b"Gr" in done.stdout)
    assert (tmp_path / "done").read_bytes() == b""


def test_numbers_and_names_in_words():
    assert [cli.count(n, "group") for n in (0, 1, 2)] == ["0 groups", "1 group", "2 groups"]
    assert cli.count(1, "class") == "1 class" and cli.count(3, "class") == "3 classes"
    assert cli.shorten(list("abc")) == "a, b, c" and cli.shorten(list("abcdefg")) == "a, b, c, d, e and 2 more"
