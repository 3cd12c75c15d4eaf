"""What a new run may do in a folder, and what is in it after a cut at any moment."""

import contextlib
import json
import os
from pathlib import Path

import pytest

from actioncnn.errors import UserError
from actioncnn.runs import checkpoint, folder
from actioncnn.runs.record import identity

FIGURES = {"loss": 1.0, "top1": 0.5, "mean_class_accuracy": 0.5}
BEFORE, AFTER = (
    {"options": {"seed": seed, "nmodel": members}, "model": "m", "seed": seed, "split": "1", "network": "n"}
    | {"recipe": {}, "precision": "float32", "counts": {}, "data": "x"}
    for seed, members in ((1, 3), (2, None))
)


def written(record):
    return folder.names("m", record["options"]["nmodel"])


def fill(path, record, figures=FIGURES):
    """A run's files, each with the seed of its run in it."""
    folder.open_run(path, record, written(record), False, True)
    for name in written(record):
        if name != folder.ARGS and not name.startswith("checkpoint"):
            (path / name).write_text(str(record["seed"]))
    if figures:
        folder.close_run(path, record, figures, [])
    else:
        (path / folder.checkpoints(record["options"]["nmodel"])[0]).write_bytes(folder.CHECKPOINT)


def state(path):
    """(seed of args.json, whether it says that the run has ended, {seeds of the other files})"""
    args = json.loads((path / folder.ARGS).read_text())
    others = {each.read_text() for each in path.iterdir() if each.name != folder.ARGS and not each.name.startswith(".")}
    return args["seed"], bool(args["metrics"]), others


def test_a_finished_run_is_kept_without_a_word(tmp_path):
    fill(tmp_path, BEFORE)
    with pytest.raises(UserError, match="holds a finished run; .*--overwrite True"):
        folder.check_free(tmp_path, written(AFTER))
    folder.check_free(tmp_path, written(AFTER), overwrite=True)
    (tmp_path / "0_notes.txt").write_text("mine")
    fill(tmp_path, AFTER)
    assert sorted(os.listdir(tmp_path)) == sorted(
        {"0_notes.txt", *(name for name in written(AFTER) if not name.startswith("checkpoint"))}
    )
    assert state(tmp_path) == (2, True, {"2", "mine"})


def test_a_forgotten_resume_throws_nothing_away(tmp_path):
    fill(tmp_path, BEFORE, figures=None)
    with pytest.raises(UserError, match="was interrupted; .*--resume True"):
        folder.check_free(tmp_path, written(AFTER))
    folder.remove_files(tmp_path, folder.checkpoints(3))
    folder.check_free(tmp_path, written(AFTER))  # it has not come to the end of an epoch


@pytest.mark.parametrize("name", ["checkpoint.h5", "model.png"])
def test_what_no_run_wrote_is_not_touched(tmp_path, name):
    (tmp_path / name).write_text("mine")
    (tmp_path / "checkpoint_best.h5").write_text("mine")
    with pytest.raises(UserError, match=name):
        folder.check_free(tmp_path, written(AFTER))
    if name == "checkpoint.h5":
        with pytest.raises(UserError, match=name):
            folder.check_free(tmp_path, written(AFTER), overwrite=True)
    folder.remove_files(tmp_path, folder.checkpoints(None))
    assert (tmp_path / name).read_text() == "mine" == (tmp_path / "checkpoint_best.h5").read_text()


def test_a_directory_in_the_place_of_a_file(tmp_path):
    (tmp_path / "result.txt").mkdir()
    with pytest.raises(UserError, match=r"result.txt: is a directory"):
        folder.check_free(tmp_path, written(AFTER), overwrite=True)


class Cut(BaseException):
    pass


def test_a_cut_at_any_change_of_the_folder_leaves_the_old_run_or_the_new(tmp_path, monkeypatch):
    """The old run whole, or args.json without figures; and the same command again brings it to its end."""
    changes = {name: getattr(Path, name) for name in ("replace", "unlink")}
    for moment in range(100):
        path = tmp_path / str(moment)
        path.mkdir()
        fill(path, BEFORE)
        left = [moment]

        def counted(change, left=left):
            def call(self, *args, **more):
                if self.name.startswith(".") and change == "unlink":
                    return changes[change](self, *args, **more)
                left[0] -= 1
                if left[0] < 0:
                    raise Cut
                return changes[change](self, *args, **more)

            return call

        with monkeypatch.context() as patch:
            for name in changes:
                patch.setattr(Path, name, counted(name))
            with contextlib.suppress(Cut):
                fill(path, AFTER)
        seed, ended, others = state(path)
        assert (seed, ended) in {(1, True), (2, False), (2, True)}
        assert not ended or others == {str(seed)}
        if left[0] >= 0:
            break
        if (seed, ended) == (2, False):
            assert folder.open_run(path, AFTER, written(AFTER), True, True) is None
            assert "replaces" not in json.loads((path / folder.ARGS).read_text())
            names = set(os.listdir(path))
            assert not names & (set(written(BEFORE)) - set(written(AFTER)))
    assert moment > 20


def test_the_parts_of_a_former_run_go_with_it(tmp_path):
    whole = AFTER | {"parts": ["split_1", "split_2"]}
    folder.open_run(tmp_path, whole, folder.PARTED, False, True)
    for part in whole["parts"]:
        fill(tmp_path / part, BEFORE)
    (tmp_path / "split_2" / "mine.txt").touch()
    with pytest.raises(UserError, match="was interrupted"):
        folder.check_free(tmp_path, written(BEFORE))
    folder.close_run(tmp_path, whole, FIGURES)
    with pytest.raises(UserError, match="finished"):
        folder.check_free(tmp_path, written(BEFORE))
    fill(tmp_path, BEFORE)
    assert not (tmp_path / "split_1").exists() and os.listdir(tmp_path / "split_2") == ["mine.txt"]


def test_two_runs_at_once(tmp_path):
    second = pytest.raises(UserError, match="another run is writing there")
    with folder.alone(tmp_path), second, folder.alone(tmp_path):
        pass
    with folder.alone(tmp_path):
        pass
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "lay",
    [Path.mkdir, os.mkfifo, lambda path: path.write_text("mine"), lambda path: path.symlink_to(path.parent / "mine")],
)
def test_what_has_the_name_of_the_lock_is_left_alone(tmp_path, lay):
    (tmp_path / "mine").write_text("mine")
    (tmp_path / ".lock").write_text("mine")
    lay(tmp_path / folder.LOCK)
    before = os.lstat(tmp_path / folder.LOCK)
    with pytest.raises(UserError, match=folder.LOCK), folder.alone(tmp_path):
        pass
    assert os.lstat(tmp_path / folder.LOCK)[:7] == before[:7]
    assert (tmp_path / "mine").read_text() == (tmp_path / ".lock").read_text() == "mine"


BOMB = "[" * 100_000
DAMAGES = ["", "{", "text", "[]", "3", "null", BOMB, '{"options": {}}', '{"options": [], "metrics": null}']
OTHER_TYPES = {
    "metrics": ("[]", "3", '"x"', "{}", '{"loss": 1}', "true"),
    "model": ("3", '"../x"', '""', "null"),
    "parts": ("3", '[".."]', "[[]]", "null"),
    "replaces": ("3", "[3]", '[{"options": 1}]'),
}
DAMAGES += [
    f'{{"options": {{}}, "metrics": null, "{name}": {value}}}' for name in OTHER_TYPES for value in OTHER_TYPES[name]
]


@pytest.mark.parametrize("content", DAMAGES, ids=lambda content: content[:50])
def test_a_damaged_record_is_one_line(tmp_path, content):
    (tmp_path / folder.ARGS).write_text(content)
    for resume in (True, False):
        with pytest.raises(UserError, match=r"args.json: is damaged \(.*--overwrite True") as caught:
            if resume:
                folder.open_run(tmp_path, AFTER, written(AFTER), True, True)
            else:
                folder.check_free(tmp_path, written(AFTER))
        assert "\n" not in str(caught.value)
    folder.check_free(tmp_path, written(AFTER), overwrite=True)
    folder.open_run(tmp_path, AFTER, written(AFTER), False, True)
    assert state(tmp_path)[:2] == (2, False)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"options": {"seed": 3, "nmodel": None}}, "--seed 3, not 2"),
        ({"options": {"seed": "2", "nmodel": None}}, "--seed 2, not 2"),
        ({"options": {}}, "--seed None, not 2"),
        ({"network": "residual"}, "network residual, not n"),
        ({"precision": ["float16"]}, "precision"),
        ({"data": "other"}, "videos are not those"),
        ({"counts": None}, "videos are not those"),
    ],
)
def test_a_resumed_run_is_the_same_run(tmp_path, change, words):
    fill(tmp_path, AFTER, figures=None)
    record = json.loads((tmp_path / folder.ARGS).read_text())
    (tmp_path / folder.ARGS).write_text(json.dumps(record | change))
    with pytest.raises(UserError, match=words):
        folder.open_run(tmp_path, AFTER, written(AFTER), True, True)


def test_a_lost_record_is_written_again(tmp_path):
    fill(tmp_path, AFTER, figures=None)
    before = (tmp_path / folder.ARGS).read_bytes()
    (tmp_path / folder.ARGS).unlink()
    assert folder.open_run(tmp_path, AFTER, written(AFTER), True, True) is None
    assert (tmp_path / folder.ARGS).read_bytes() == before and (tmp_path / "checkpoint.h5").exists()
    assert checkpoint.CHECKPOINT == folder.CHECKPOINT


def test_what_the_result_follows_from():
    same = [AFTER, AFTER | {"options": AFTER["options"] | {"workers": 7, "views": 2}}, AFTER | {"device": "other"}]
    other = [BEFORE, AFTER | {"data": "y"}, AFTER | {"precision": "mixed"}, AFTER | {"split": "2"}]
    assert len({identity(record) for record in same}) == 1
    assert len({identity(record) for record in same + other}) == 5
