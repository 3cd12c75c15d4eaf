"""Folders of runs from strangers: whatever is in them, scripts read them within bounds, or say in one line why not."""

import copy
import json
import os
import random
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from faults.mutations import peak
from made_runs import made_run, odd_classes

from actioncnn.data.dataset import understand
from actioncnn.errors import UserError, one_line
from actioncnn.pages import comparison_page, comparison_text, run_page
from actioncnn.pages.comparison import compare
from actioncnn.runs.folder import check_free
from actioncnn.runs.record import ARGS
from actioncnn.runs.run import read_run

DATASET = {"videos": "videos", "nclass": 101, "split": "1", "seed": 0, "fingerprints": {"A": "x"}}


def sparse(path):
    with path.open("wb") as file:
        file.truncate(1 << 40)


ODD_FILES = {
    "a pipe": os.mkfifo,
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "a sparse file": sparse,
    "a directory": lambda path: path.mkdir(),
    "deep nesting": lambda path: path.write_text("[" * 100_000),
    "nesting": lambda path: path.write_text('{"options": ' + '{"a":' * 300 + "1" + "}" * 301),
    "a long field": lambda path: path.write_text("file,true,predicted,confidence\n" + "x" * 200_000 + ",A,A,1\n"),
    "names twice": lambda path: path.write_text("file,file,true,predicted,confidence\n" + "a,a,A,A,1\n"),
    "many cells": lambda path: path.write_text("a" + ",a" * 100_000 + "\n"),
    "zeros": lambda path: path.write_bytes(bytes(100_000)),
    "one name twice": lambda path: path.write_text("A\nA\nB\n"),
    "no share": lambda path: path.write_text("file,true,predicted,confidence\na,A,A,nan\n"),
    "numbers": lambda path: path.write_text("epoch\tloss\tacc\n" + "1" * 5000 + "\t1\t1\n"),
    "half a character": lambda path: path.write_text('{"options": {}, "script": "\\ud800"}'),
    "infinity": lambda path: path.write_text('{"options": {}, "seconds": 1e999}'),
    "not a number": lambda path: path.write_text('{"options": {}, "seconds": NaN}'),
    "many digits": lambda path: path.write_text('{"options": {}, "seconds": 1' + "0" * 400 + "}"),
}


def use(folder, page):
    """All that scripts make of a run's folder without its model and its videos."""
    run = read_run(folder)
    assert run.record.sampling is None or run.record.sampling.frames < 1e5
    comparison = compare([run, read_run(folder.parent / "other")])
    comparison_text.as_text(comparison), json.dumps(comparison_text.as_dict(comparison), default=str)
    comparison_page.write(page, comparison)
    run_page.write(folder, path=page)
    if options := run.record.dataset_options:
        understand(options)


def used(folder, page):
    """Whether that ended well, or in one line."""
    for function in (lambda: use(folder, page), lambda: check_free(folder, ["result.txt"])):
        try:
            function()
        except (UserError, OSError) as error:  # cli.run tells both in one line
            assert "\n" not in str(error) and str(error)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("strangers") / "run"
    for name in ("run", "other"):
        made_run(folder.with_name(name), np.arange(24) % 3 > 0, odd_classes(4), nmodel=2, seed=len(name))
    record = json.loads((folder / ARGS).read_text())
    figures = {"loss": 1.0, "top1": 0.5, "mean_class_accuracy": 0.5}
    more = {"dataset": DATASET, "recipe": {"batch": 3, "augment": {"crop": [0.5, 1]}}, "metrics": figures, "model": "m"}
    (folder / ARGS).write_text(json.dumps(record | more))
    return folder


@pytest.fixture
def stranger(whole, tmp_path):
    """The folder of a run, and beside it another one."""
    shutil.copytree(whole.parent, tmp_path, dirs_exist_ok=True)
    return tmp_path / "run"


@pytest.mark.parametrize("name", [ARGS, "predictions.csv", "classes.txt", "result.txt", "seconds.txt"])
@pytest.mark.parametrize("make", ODD_FILES.values(), ids=ODD_FILES)
def test_files_that_are_odd(stranger, name, make):
    (stranger / name).unlink(missing_ok=True)
    make(stranger / name)
    peak(anew=True)
    before = peak()
    used(stranger, stranger.parent / "page.html")
    assert peak() - before < 500e6


VALUES = [None, True, -1, 0, 1.5, 10**9, 10**18, "", " ", "x", "../../x", "\0", "x" * 200_000, [], [[]], {}, {"a": {}}]


def places(value, path=()):
    """Paths of all values in JSON."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def changed(record, path, value):
    record = copy.deepcopy(record)
    within = record
    for key in path[:-1]:
        within = within[key]
    within[path[-1]] = value
    return record


def test_records_with_values_of_any_kind(whole, tmp_path, monkeypatch):
    drawn = SimpleNamespace(source="", alt="")
    monkeypatch.setattr(run_page.page, "chart", lambda *args, **more: drawn)  # slow, and fed by other files
    monkeypatch.setattr(run_page.page, "curve_charts", lambda *args: [])
    shutil.copytree(whole.parent, tmp_path, dirs_exist_ok=True)
    record = json.loads((whole / ARGS).read_text())
    pairs = [(path, value) for path in places(record) if path for value in VALUES]
    wrong = []
    for path, value in random.Random(0).sample(pairs, 150):
        (tmp_path / "run" / ARGS).write_text(json.dumps(changed(record, path, value)))
        try:
            used(tmp_path / "run", tmp_path / "page.html")
        except Exception as error:
            wrong.append(f"{path}: {str(value)[:50]!r}: {one_line(error)}")
    assert not wrong, "\n".join(wrong)
