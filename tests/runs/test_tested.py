"""The clips that a model is tested on, for its page and for all scripts."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import as_pictures, touch, write_blocks
from made_runs import made_run

from actioncnn.data.dataset import divide, understand
from actioncnn.data.index import Video
from actioncnn.data.options import DatasetOptions
from actioncnn.errors import UserError
from actioncnn.runs import tables
from actioncnn.runs.record import Record, read_record
from actioncnn.runs.run import read_run
from actioncnn.runs.tested import choose_videos, clip_reader, clips_of_run, directory_of, trained_on, with_labels


@pytest.fixture
def folder(tmp_path):
    """A run whose test clips are a folder of pictures, a video, and one that has gone."""
    folder = made_run(tmp_path / "run", np.ones(3, bool), ["A", "B"], videos=str(tmp_path / "videos"))
    names = read_run(folder).files
    write_blocks(tmp_path / "block.avi")
    as_pictures(tmp_path / "block.avi", tmp_path / "videos" / names[0])
    write_blocks(tmp_path / "videos" / names[1])
    return folder


def test_folders_of_pictures_are_clips(folder, capsys):
    run = read_run(folder)
    assert sorted(clip_reader(directory_of(run), 1)(run, [0, 1, 2])) == [0, 1]
    assert "1 of 3 clips to show are not in" in capsys.readouterr().err
    assert [clip.path.name for clip in clips_of_run(folder)] == run.files[:2]


FILES = [f"P{person:02d}/{name}/{clip}.avi" for person in range(1, 6) for name in ("jump", "run") for clip in range(2)]


def make_videos(root, files=FILES):
    """Files that differ in their names or sizes."""
    touch(root, *files)
    for number, file in enumerate(files):
        (root / file).write_bytes(bytes(number + 1))


@pytest.fixture
def levels(tmp_path):
    """A run on a dataset whose classes are its second folders: (files of its model, its dataset)."""
    make_videos(tmp_path / "set")
    options = DatasetOptions(videos=tmp_path / "set", class_level=2)
    dataset, _ = divide(understand(options), "groups", 0)
    run = tmp_path / "run"
    run.mkdir()
    tables.write_json(run / "args.json", {"options": {}, "split": "groups", "seed": 0, "dataset": dataset.as_dict()})
    names = [str(video.path.relative_to(tmp_path / "set")) for video in dataset.test_videos()]
    truth = [dataset.classes.index(video.name) for video in dataset.test_videos()]
    tables.write_predictions(run / "predictions.csv", names, dataset.classes, truth, np.eye(2)[truth])
    return SimpleNamespace(record=read_record(run), model=run / "model.json"), dataset


def test_classes_are_found_by_name(capsys):
    videos = [
        Video(Path(f"{name}/{i}.avi"), name, None) for i, name in enumerate(["Bow", "jump", "Kick", "Run", "Kick"])
    ]
    known, labels = with_labels(videos, ["Run", "Jump", "BOW", "Bow"])
    assert [video.name for video in known] == ["Bow", "jump", "Run"] and labels == [3, 1, 0]
    assert "2 videos of 1 class that the model does not know: Kick" in capsys.readouterr().err
    with_labels(videos[:1], ["Bow", "Run"])
    assert capsys.readouterr().err == ""


def paths(videos):
    return {video.path for video in videos}


def test_a_run_is_tested_on_its_own_test_clips(levels, capsys):
    files, dataset = levels
    chosen = choose_videos(dataset.options.videos, {}, files, ["jump", "run"])
    assert paths(chosen.videos) == paths(dataset.test_videos()) and chosen.seen == 0
    assert [["jump", "run"][label] for label in chosen.labels] == [video.name for video in chosen.videos]
    assert "--class-level 2" in capsys.readouterr().out and "run" in chosen.words


def test_another_split_says_how_many_clips_were_trained_on(levels):
    files, dataset = levels
    chosen = choose_videos(dataset.options.videos, {"split": "none"}, files, ["jump", "run"])
    assert len(chosen.videos) == len(FILES) and chosen.seen == len(FILES) - len(dataset.test_videos())


@pytest.mark.parametrize("file_of", [lambda file: file, lambda file: file.replace("/", "_").replace("_", "/", 1)])
def test_a_dataset_that_was_moved_is_known_by_its_files(levels, tmp_path, file_of):
    """Of a copy the test clips alone are taken, and in another order of folders nothing is trained on unsaid."""
    files, dataset = levels
    (tmp_path / "set").rename(tmp_path / "moved")
    chosen = choose_videos(tmp_path / "moved", {}, files, ["jump", "run"])
    assert len(chosen.videos) == len(dataset.test_videos()) and chosen.seen == 0


def test_another_dataset_is_understood_by_itself(levels, tmp_path):
    files, _ = levels
    make_videos(tmp_path / "other", ["run/a.avi", "jump/b.avi", "sit/c.avi"])
    chosen = choose_videos(tmp_path / "other", {}, files, ["jump", "run"])
    assert sorted(video.name for video in chosen.videos) == ["jump", "run"]


def test_a_dataset_of_other_classes_is_one_line(levels, tmp_path):
    files, _ = levels
    make_videos(tmp_path / "other", ["eat/a.avi", "sit/c.avi"])
    with pytest.raises(UserError, match="--videos .*--class-level"):
        choose_videos(tmp_path / "other", {}, files, ["jump", "run"])


def test_what_was_given_comes_before_what_the_run_says(levels, tmp_path):
    files, dataset = levels
    chosen = choose_videos(dataset.options.videos, {"class_level": 1}, files, ["P01", "P02"])
    assert {video.name for video in chosen.videos} == {"P01", "P02"}


def test_the_test_side_of_folders(tmp_path):
    make_videos(tmp_path, ["train/a/1.avi", "train/b/2.avi", "test/a/3.avi", "test/b/4.avi", "test/b/5.avi"])
    chosen = choose_videos(tmp_path, {})
    assert sorted(video.path.name for video in chosen.videos) == ["3.avi", "4.avi", "5.avi"]
    assert len(choose_videos(tmp_path, {"split": "none"}).videos) == 5


def test_what_a_run_was_trained_on(levels, tmp_path):
    files, dataset = levels
    train = [video for video in dataset.videos if video.side == "train"]
    folder = files.model.parent
    assert trained_on(folder, files.record, dataset.test_videos()) == 0
    assert trained_on(folder, files.record, dataset.videos) == len(train)
    assert trained_on(folder, Record(), train) is None
    (tmp_path / "set").rename(tmp_path / "moved")
    assert trained_on(folder, files.record, train) is None


def test_a_dataset_that_has_changed_since_is_said(levels, capsys):
    files, dataset = levels
    make_videos(dataset.options.videos, ["P09/run/new.avi"])
    chosen = choose_videos(dataset.options.videos, {}, files, ["jump", "run"])
    assert paths(chosen.videos) == paths(dataset.test_videos())
    assert "has changed since" in capsys.readouterr().err


def test_a_split_that_is_given_divides_anew(levels, capsys):
    """The sides of the run are not those of the dataset."""
    files, dataset = levels
    chosen = choose_videos(dataset.options.videos, {"split": "random"}, files, ["jump", "run"])
    assert "are not kept" not in capsys.readouterr().err and len(chosen.videos) == 4
    assert chosen.seen == sum(video.path not in paths(dataset.test_videos()) for video in chosen.videos)


def test_the_folder_above_that_of_the_run(levels, tmp_path):
    files, dataset = levels
    (tmp_path / "up").mkdir()
    (tmp_path / "set").rename(tmp_path / "up" / "set")
    chosen = choose_videos(tmp_path / "up", {"class_level": 3}, files, ["jump", "run"])
    assert len(chosen.videos) == len(dataset.test_videos()) and chosen.seen == 0


def test_options_that_say_what_was_understood_change_nothing(levels):
    files, dataset = levels
    chosen = choose_videos(dataset.options.videos, {"class_level": 2, "nclass": 2}, files, ["jump", "run"])
    assert paths(chosen.videos) == paths(dataset.test_videos())


def test_without_its_test_clips_a_run_is_not_tested(levels):
    files, dataset = levels
    for video in dataset.test_videos():
        video.path.unlink()
    with pytest.raises(UserError, match="--split none"):
        choose_videos(dataset.options.videos, {}, files, ["jump", "run"])


def test_lists_of_a_run_do_not_lead_out_of_another_directory(tmp_path):
    make_videos(tmp_path / "a", ["jump/1.avi", "run/2.avi", "jump/3.avi", "run/4.avi"])
    make_videos(tmp_path / "b", ["jump/5.avi", "run/66.avi"])
    for side, names in (("train", ("jump/1", "run/2")), ("test", ("jump/3", "run/4"))):
        lines = [f"{tmp_path}/a/{name}.avi {name.split('/')[0]}\n" for name in names]
        (tmp_path / f"{side}.txt").write_text("".join(lines))
    lists = {f"{side}_list": tmp_path / f"{side}.txt" for side in ("train", "test")}
    dataset = understand(DatasetOptions(videos=tmp_path / "a", **lists))
    record = Record({"dataset": dataset.as_dict(), "split": "given"})
    files = SimpleNamespace(record=record, model=tmp_path / "run" / "model.json")
    chosen = choose_videos(tmp_path / "b", {}, files, ["jump", "run"])
    assert {video.path.parent.parent.name for video in chosen.videos} == {"b"}
    (tmp_path / "train.txt").unlink()
    with pytest.raises(UserError, match="--train-list"):
        choose_videos(tmp_path / "b", {}, files, ["hop", "sit"])
