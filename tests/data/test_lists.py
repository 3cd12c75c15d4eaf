"""Lists of training and test videos: forms that are published or written, and what may be wrong in them."""

import os
from pathlib import Path

import pytest
from helpers import touch

from actioncnn.data import index, splits
from actioncnn.errors import UserError

FILES = ["Bow/v_Bow_g01_c01.avi", "Bow/v_Bow_g02_c01.avi", "Run/v_Run_g01_c01.avi", "Run/v_Run_g02_c01.avi"]


def sides(root, **lists):
    """{file: (class, group, side)} as lists say, and the notes."""
    found = index.understand(root, **lists)
    return {video.path.relative_to(root).as_posix(): video[1:] for video in found.videos}, found.notes


@pytest.fixture
def write(tmp_path):
    """write(text) -> path of a list; the folder `data` beside it holds some videos."""
    touch(tmp_path / "data", *FILES, "own/wave/a b.mp4", "own/jump/c.mp4")

    def write(text, name="list.txt"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


@pytest.mark.parametrize("above", ["", "UCF-101/", "/home/me/data/"])
@pytest.mark.parametrize("numbers", [True, False])
def test_lists_of_ucf101(tmp_path, write, above, numbers):
    if numbers:
        write("1 Bow\n2 Running\n", "classInd.txt")
    train = write("".join(f"{above}{FILES[i]} {1 + i // 2}\r\n" for i in (0, 2)))
    test = write("".join(f"{above}{FILES[i]}\n" for i in (1, 3)), "test.txt")
    found, notes = sides(tmp_path / "data", train_list=train, test_list=test)
    assert notes == [] and found == {
        FILES[0]: ("Bow", 1, "train"),
        FILES[1]: ("Bow", 2, "test"),
        FILES[2]: ("Running" if numbers else "Run", 1, "train"),
        FILES[3]: ("Run", 2, "test"),
    }


@pytest.mark.parametrize(
    "text",
    [
        "own/wave/a b.mp4,wave\nown/jump/c.mp4,jump\n",
        "wave/a b.mp4;wave;\nc.mp4;jump;\n",
        "\ufefffile\tlabel\na b.mp4\twave\nc.mp4\tjump\n",
        "id,label,subject\na b.mp4,wave,\nc.mp4,jump,\n",
        '"label" | "path"\nwave | own/wave/a b.mp4\njump | own/jump/c.mp4\n',
        "own/wave/a b.mp4 wave\nown/jump/c.mp4 jump\n\n",
        "own/wave/a b.mp4\nown/jump/c.mp4\n",
        "wave/a b wave\njump/c jump\n",
        "own/wave/A B.avi 1\nown/jump/c.avi 0\n",
        "own\\wave\\a b.mp4,0\nown\\jump\\c.mp4,7\n",
    ],
)
def test_forms(tmp_path, write, text):
    found, _ = sides(tmp_path / "data", train_list=write(text))
    assert found == {"own/jump/c.mp4": ("jump", None, None), "own/wave/a b.mp4": ("wave", None, None)}


def test_groups_and_labels_with_separators(tmp_path, write):
    path = write('video,action,speaker\nc.mp4,"jump, high",s1\na b.mp4,"wave; low",s2\n')
    found, _ = sides(tmp_path / "data", train_list=path)
    assert found == {"own/jump/c.mp4": ("jump, high", "s1", None), "own/wave/a b.mp4": ("wave; low", "s2", None)}


def test_numbers_without_names_are_classes(tmp_path, write):
    path = write(f"{FILES[0].split('/')[1]} 0\na b.mp4 1\nc.mp4 1\n")
    assert {place[0] for place in sides(tmp_path / "data", train_list=path)[0].values()} == {"0", "1"}


def test_csv_of_kinetics(tmp_path):
    touch(tmp_path, "train/-abcdefghij_000010_000020.mp4", "train/bbcdefghij_000001_000011.mp4")
    (tmp_path / "k.csv").write_text(
        "label,youtube_id,time_start,time_end,split\nbowing,-abcdefghij,10,20,train\nyoga,bbcdefghij,1.0,11,train\n"
    )
    found, _ = sides(tmp_path, train_list=tmp_path / "k.csv")
    assert [place[0] for place in found.values()] == ["bowing", "yoga"]


def test_folder_of_hmdb51(tmp_path):
    name = "film{}_{}_f_nm_np1_fr_med_0.avi"
    touch(tmp_path / "hmdb", *(f"{of}/{name.format(i, of)}" for of in ("sit", "fall_floor") for i in range(3)))
    for of in ("sit", "fall_floor"):
        for split, marks in (("1", "120"), ("2", "021")):
            text = "".join(f"{name.format(i, of)} {mark} \n" for i, mark in enumerate(marks))
            (tmp_path / f"{of}_test_split{split}.txt").write_text(text)
    for split, expected in (("1", ["train", "test", None]), ("2", [None, "test", "train"])):
        found, notes = sides(tmp_path / "hmdb", train_list=tmp_path, split=split)
        places = [found.get(f"fall_floor/{name.format(i, 'fall_floor')}") for i in range(3)]
        assert notes == [] and places == [side and ("fall_floor", f"film{i}", side) for i, side in enumerate(expected)]
        assert len(found) == 4
    for of in ("sit", "fall_floor"):
        (tmp_path / f"{of}_test_split1.txt").write_text(f"{name.format(0, of)} 0\n")
    with pytest.raises(UserError, match="lists no video of training or test"):
        sides(tmp_path / "hmdb", train_list=tmp_path)
    (tmp_path / "sit_test_split1.txt").write_text("film0.avi 3\n")
    with pytest.raises(UserError, match=r"sit_test_split1.txt, line 1: 'film0.avi 3' is not `file 0`, 1 or 2"):
        sides(tmp_path / "hmdb", train_list=tmp_path)


def test_folder_of_ucf101(tmp_path, write):
    for split in "123":
        for side, group in (("train", split in "1" and 2 or 1), ("test", split in "1" and 1 or 2)):
            write(f"Bow/v_Bow_g0{group}_c01.avi\nRun/v_Run_g0{group}_c01.avi\n", f"{side}list0{split}.txt")
    assert sides(tmp_path / "data", train_list=tmp_path)[0][FILES[0]] == ("Bow", 1, "test")
    assert sides(tmp_path / "data", train_list=tmp_path, split="2")[0][FILES[0]] == ("Bow", 1, "train")


def test_missing_files_are_named(tmp_path, write):
    absent = [f"no{i}.avi" for i in range(13)]
    path = write("".join(f"{file} x\n" for file in [*FILES, *absent]))
    _, notes = sides(tmp_path / "data", train_list=path)
    assert notes[0] == (
        f"train list: 13 of 17 files are not in {tmp_path / 'data'}: {', '.join(absent[:10])} and 3 more"
    )
    with pytest.raises(UserError, match="1 of 1 files are not in .*no.avi; give the directory of these videos"):
        sides(tmp_path / "data", train_list=write("no.avi x\n"))


def test_a_file_in_both_lists_is_not_trained_on(tmp_path, write):
    train, test = write("\n".join(FILES)), write("\n".join(FILES[1::2]), "test.txt")
    found, notes = sides(tmp_path / "data", train_list=train, test_list=test)
    assert [found[file][2] for file in FILES] == ["train", "test", "train", "test"]
    assert notes == [f"left out of training: 2 files that both lists have, such as {tmp_path / 'data' / FILES[1]}"]


@pytest.mark.parametrize(
    "text, message",
    [
        ("a b.mp4,wave\nc.mp4\n", "line 2: 1 columns, not 2"),
        ("a b.mp4,wave\nc.mp4,jump, high\n", "line 2: 3 columns, not 2"),
        ("a b.mp4,wave\n\nc.mp4,\n", "line 3: an empty column"),
        ("a b.mp4,wave,1,2\nc.mp4,jump,1,2\n", "4 columns without names"),
        ("a b.mp4 wave\nc.mp4 jump\na b.mp4 jump\n", "line 3: a b.mp4 is jump here and wave above"),
        ("", "is empty"),
        ("a\0b", "is no text"),
        ("file,label\n", "has the names of its columns alone"),
        (f"v_Bow_g{'9' * 5000}_c01.avi x\n", "train list: 1 of 1 files are not in"),
        ("v_Bow_g01_c01.avi x\nx/c x\n", None),
    ],
)
def test_wrong_lines(tmp_path, write, text, message):
    path = write(text)
    if message is None:
        assert len(sides(tmp_path / "data", train_list=path)[0]) == 2
        return
    with pytest.raises(UserError) as error:
        sides(tmp_path / "data", train_list=path)
    assert message in str(error.value) and str(path) in str(error.value) and "\n" not in str(error.value)


def test_a_name_that_fits_two_files(tmp_path):
    touch(tmp_path, "wave/1.mp4", "jump/1.mp4", "jump/2.mp4")
    path = tmp_path / "list.csv"
    path.write_text("1.mp4,wave\n2.mp4,jump\n")
    assert list(sides(tmp_path, train_list=path)[0]) == ["jump/2.mp4", "wave/1.mp4"]  # the label tells which
    path.write_text("2.mp4,a\n1.mp4,b\n")
    with pytest.raises(UserError, match="line 2: 1.mp4 may be .*write its folder too"):
        sides(tmp_path, train_list=path)


@pytest.mark.parametrize(
    "lists, message",
    [
        ({"test_list": "list.txt"}, "--test-list: give --train-list too"),
        ({"train_list": "no.txt"}, "--train-list no.txt: No such file or directory; give a list of videos"),
        ({"train_list": "list.txt", "class_level": 1}, "--class-level: the lists name the classes"),
        ({"train_list": "data"}, "neither trainlist01.txt and testlist01.txt"),
        ({"train_list": "data", "test_list": "list.txt"}, "--test-list: leave it out"),
        ({"train_list": "list.txt", "test_list": "data"}, "--test-list data: Is a directory"),
    ],
)
def test_lists_that_cannot_be_read(tmp_path, write, monkeypatch, lists, message):
    write("a b.mp4 wave\nc.mp4 jump\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message):
        sides(Path("data"), **{name: Path(path) if isinstance(path, str) else path for name, path in lists.items()})


def test_wrong_number(tmp_path, write):
    write("1 Bow\n", "classInd.txt")
    with pytest.raises(UserError, match=r"line 2: no class 2 in .*classInd.txt"):
        sides(tmp_path / "data", train_list=write(f"{FILES[0]} 1\n{FILES[2]} 2\n"))


@pytest.mark.skipif("UCF101_DIR" not in os.environ, reason="needs UCF101_DIR")
@pytest.mark.parametrize("split", ["1", "2", "3"])
def test_official_lists_are_the_official_splits(split):
    directory = Path(os.environ["UCF101_DIR"])
    lists = [path.parent for parent in (directory, directory.parent) for path in parent.glob("*/testlist01.txt")]
    if not lists:
        pytest.skip("no official lists beside UCF101_DIR")
    listed = index.understand(directory, train_list=lists[0], split=split).videos
    videos = index.scan(directory)
    assert [video[:3] for video in listed] == [video[:3] for video in videos]
    for given, official in zip(splits.split(listed, "given", 0)[:2], splits.split(videos, split, 0)[:2], strict=True):
        assert given.tolist() == official.tolist()
