"""Runs that are cut, starved or damaged, and the table of what came of them.

The short form is part of the tests: few faults, in this process. `make faults` runs the long one (FAULTS=long): many
faults, in processes of their own. Each is drawn from a seed: FAULTS_SEED draws others.
"""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from faults.mutations import peak
from helpers import ROOT, run_script

LONG = os.environ.get("FAULTS") == "long"
SEED = int(os.environ.get("FAULTS_SEED", "0"))
TABLE = {}  # {kind of fault: [(whether it went right, seconds, bytes), ...]}
WRONG = []  # what went wrong, in words


def draws(kind):
    """Random numbers of a kind of fault."""
    return random.Random(f"{SEED} {kind}")


@contextlib.contextmanager
def tried(kind, what):
    """One fault: an assertion that fails within is written down, not raised; `check` raises them all.

    Gives a dict that takes the seconds and bytes of another process, in place of those of this one.
    """
    start, spent = time.perf_counter(), {}
    peak(anew=True)
    try:
        yield spent
        right = True
    except AssertionError as error:
        right = False
        WRONG.append(f"{kind}: {what}: {error}")
    seconds, memory = spent.get("seconds", time.perf_counter() - start), spent.get("bytes", peak())
    TABLE.setdefault(kind, []).append((right, seconds, memory))


def check(kind):
    assert not [line for line in WRONG if line.startswith(f"{kind}:")]


def table():
    """Lines of text."""
    yield f"{'fault':48} {'tried':>6} {'right':>6} {'wrong':>6} {'slowest':>9} {'most memory':>12}"
    for kind, rows in TABLE.items():
        right, slowest, most = sum(row[0] for row in rows), max(row[1] for row in rows), max(row[2] for row in rows)
        yield f"{kind:48} {len(rows):6} {right:6} {len(rows) - right:6} {slowest:7.1f} s {most / 1e6:9.0f} MB"
    yield from WRONG


class Cut(BaseException):
    """What stands for a kill within this process: nothing of the suite catches it."""


@contextlib.contextmanager
def cut_at(folder, moment, monkeypatch, kill):
    """Calls kill() before change number `moment` of the files in a folder."""
    left = [moment]
    originals = {name: getattr(Path, name) for name in ("replace", "unlink", "mkdir")}

    def counted(original):
        def call(self, *args, **more):
            nothing = original.__name__ == "unlink" and (".actioncnn" in self.name or not self.exists())
            if folder in self.parents and not nothing:
                left[0] -= 1
                if left[0] == -1:
                    kill()
            return original(self, *args, **more)

        return call

    with monkeypatch.context() as patch:
        for name, original in originals.items():
            patch.setattr(Path, name, counted(original))
        yield


def raise_cut():
    raise Cut


def run_cut(monkeypatch, output, moment, script, *options):
    """Runs a script in this process until change number `moment` of its --output -> whether it was cut."""
    with cut_at(output, moment, monkeypatch, raise_cut):
        try:
            assert run_script(script, *options, "--output", output) == 0
        except Cut:
            return True
    return False


KILLED = """
import os, runpy, signal, sys
sys.path[:0] = [{root!r}, {root!r} + "/tests"]
from pathlib import Path
from faults.harness import cut_at
import pytest
sys.argv = sys.argv[1:]
output = Path(sys.argv[sys.argv.index("--output") + 1])
with cut_at(output, {moment}, pytest.MonkeyPatch(), lambda: os.kill(os.getpid(), signal.SIGKILL)):
    runpy.run_path(sys.argv[0], run_name="__main__")
"""


def launch(script, *options, moment=None, seconds=None, **more):
    """Runs a script in a process of its own, killed at a change of its --output, or so long after it began to train.

    -> (exit code, standard error)
    """
    start = [sys.executable, str(ROOT / script)]
    if moment is not None:
        start = [sys.executable, "-c", KILLED.format(root=str(ROOT), moment=moment), str(ROOT / script)]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen([*start, *map(str, options)], start_new_session=True, **pipes, **more)
    if seconds is not None:
        output = Path(options[options.index("--output") + 1])
        before = (output / "args.json").read_bytes() if (output / "args.json").exists() else None
        while process.poll() is None and not begun(output, before):
            time.sleep(0.02)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    _, error = process.communicate()
    return process.returncode, error


def begun(output, before):
    path = output / "args.json"
    return path.exists() and path.read_bytes() != before


def contents(folder):
    """{path within a folder: bytes} of all files, but for the lock and what is being written."""
    paths = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    return {str(path): (folder / path).read_bytes() for path in paths if not any(p[0] == "." for p in path.parts)}


def without_output(files):
    """The same without what names --output."""

    def plain(name, content):
        if not name.endswith("args.json"):
            return content
        args = json.loads(content)
        args["options"].pop("output")
        return args

    last = "report.html", "seconds.txt"  # they name the output, or tell how long it took
    return {name: plain(name, content) for name, content in files.items() if not name.endswith(last)}
