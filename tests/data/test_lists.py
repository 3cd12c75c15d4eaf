"""Lists of training and test videos: forms that are published or written, and what may be wrong in them."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from helpers import touch, write_video

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


def listed(root, files, text, name="a.csv", **more):
    """{file: (class, group, side)} of a list of files, and the lines that say how it was understood."""
    touch(root / "d", *files)
    (root / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    found = index.understand(root / "d", train_list=root / name, **more)
    return {video.path.name: video[1:] for video in found.videos}, found.understood


NUMBERS = {  # files, lines of a list, class of each file, what is said
    "classes of a folder": (["part1/0.mp4", "part1/1.mp4", "part2/2.mp4", "part2/3.mp4"],
                            "{} 0\n{} 1\n{} 0\n{} 1\n", "0101",
                            "part1/0.mp4 is of class 0"),
    "one for each folder": (["run/0.mp4", "run/1.mp4", "sit/2.mp4", "sit/3.mp4"], "{} 4\n{} 4\n{} 2\n{} 2\n",
                            ["run", "run", "sit", "sit"], "4 is run"),
    "two for one folder": (["run/0.mp4", "run/1.mp4", "sit/2.mp4", "sit/3.mp4"], "{} 4\n{} 5\n{} 2\n{} 2\n", "4522",
                           "is of class 4"),
    "frames of files": (["run/0.avi", "run/1.avi", "sit/2.avi", "sit/3.avi"], "{} 121 0\n{} 118 0\n{} 147 1\n{} 93 1\n",
                        ["run", "run", "sit", "sit"], "121 for a count"),
    "frames without folders": (["0.avi", "1.avi", "2.avi", "3.avi"], "{} 121 0\n{} 118 0\n{} 147 1\n{} 93 1\n", "0011",
                               "121 for a count"),
    "as many frames": (["0.avi", "1.avi", "2.avi", "3.avi"],
                       "{} 60 0\n{} 60 0\n{} 60 1\n{} 60 1\n", "0011", "60 for a count"),
    "label and subject": (["0.avi", "1.avi", "2.avi", "3.avi"], "{},0,1\n{},0,2\n{},1,1\n{},1,2\n", "0011", "class 0"),
    "floats": (["0.avi", "1.avi", "2.avi", "3.avi"], "{},0.0\n{},0.0\n{},1.0\n{},1.0\n", "0011", "class 0"),
}  # fmt: skip


@pytest.mark.parametrize("case", NUMBERS)
def test_labels_that_are_numbers(tmp_path, case):
    files, text, classes, words = NUMBERS[case]
    found, said = listed(tmp_path, files, text.format(*files))
    assert [found[Path(file).name][0] for file in files] == list(classes)
    assert any(words in line for line in said), said


def test_numbers_are_decided_over_both_lists(tmp_path):
    files = [f"s{who}/{name}.mp4" for who in (1, 2, 3) for name in ("a", "b")]
    touch(tmp_path / "d", *files)
    (tmp_path / "a.txt").write_text("s1/a.mp4 0\ns1/b.mp4 1\ns2/a.mp4 0\ns2/b.mp4 1\n")
    (tmp_path / "b.txt").write_text("s3/a.mp4 0\ns3/b.mp4 1\n")
    found, notes = sides(tmp_path / "d", train_list=tmp_path / "a.txt", test_list=tmp_path / "b.txt")
    assert {place[0] for place in found.values()} == {"0", "1"} and notes == []
    assert found["s3/b.mp4"] == ("1", None, "test")
    (tmp_path / "b.txt").write_text("s3/a.mp4\ns3/b.mp4\n")
    with pytest.raises(UserError, match="b.txt, line 1"):
        sides(tmp_path / "d", train_list=tmp_path / "a.txt", test_list=tmp_path / "b.txt")


def test_frame_folders_of_tsn(tmp_path):
    touch(tmp_path / "d", *(f"{clip}/{i}.jpg" for clip in ("run/x 1", "sit/x 2") for i in range(3)))
    (tmp_path / "a.txt").write_text("run/x 1 3 0\nsit/x 2 3 1\n")
    found, _ = sides(tmp_path / "d", train_list=tmp_path / "a.txt")
    assert found == {"run/x 1": ("run", None, None), "sit/x 2": ("sit", None, None)}


@pytest.mark.parametrize("name", ["classInd.txt", "label_map_own.txt"])
def test_a_file_beside_the_list_names_the_numbers(tmp_path, name):
    (tmp_path / name).write_text("1 Run\n2 Walk\n" if name == "classInd.txt" else "Idle\nRun\nWalk\n")
    found, said = listed(tmp_path, ["x/1.mp4", "x/2.mp4"], "x/1.mp4 1\nx/2.mp4 2\n", "a.txt")
    assert found == {"1.mp4": ("Run", None, None), "2.mp4": ("Walk", None, None)} and name in said[-1]


BOTH = ["1.mp4", "2.mp4"]
TABLES = {  # text of a list of 1.mp4 and 2.mp4: classes, and groups or sides where it has some
    "participant": ("Participant ID,Video file,Gloss,Code\nP1,1.mp4,A,x\nP2,2.mp4,B,y\n", ["A", "B"], ["P1", "P2"]),
    "gloss": ("gloss,video_id,signer_id\nA,1,4\nB,2,5\n", ["A", "B"], ["4", "5"]),
    "pandas": (",path,label\n0,1.mp4,A\n1,2.mp4,B\n", ["A", "B"], None),
    "number of the row": ("id,video,class\n7,1.mp4,A\n8,2.mp4,B\n", ["A", "B"], None),
    "label and its number": ("file,label,class_name\n1.mp4,0,A\n2.mp4,1,B\n", ["A", "B"], None),
    "UTF-16": ("file,label\n1.mp4,\u00c4\n2.mp4,B\n".encode("utf-16"), ["\u00c4", "B"], None),
    "Windows": ("file;label\n1.mp4;\u00c4\n2.mp4;B\n".encode("cp1252"), ["\u00c4", "B"], None),
    "Excel": ("sep=;\nfile;label\n1.mp4;A\n2.mp4;B\n", ["A", "B"], None),
    "old Mac": ("file,label\r1.mp4,A\r2.mp4,B\r", ["A", "B"], None),
    "comments": ("# mine\n1.mp4 A\n2.mp4 B\n", ["A", "B"], None),
    "breaks": ('file,label,note\n1.mp4,"A\nx","two\nlines"\n2.mp4,B,x\n', ["A x", "B"], None),
    "label first": ("A,1.mp4\nB,2.mp4\n", ["A", "B"], None),
    "WLASL": ([{"gloss": "A", "instances": [{"video_id": "1", "signer_id": 3, "frame_start": 1, "frame_end": -1}]},
               {"gloss": "B", "instances": [{"video_id": "2", "signer_id": 9, "frame_start": 1, "frame_end": -1}]}],
              ["A", "B"], ["3", "9"]),
    "DFDC": ({"1.mp4": {"label": "FAKE", "original": "2.mp4"}, "2.mp4": {"label": "REAL", "original": None}},
             ["FAKE", "REAL"], ["2", "2"]),
    "Something-Something": ([{"id": "1", "label": "holding potato", "template": "Holding [something]",
                              "placeholders": ["potato"]},
                             {"id": "2", "label": "pushing cup", "template": "Pushing [something]",
                              "placeholders": ["cup"]}],
                            ["Holding something", "Pushing something"], None),
    "files and labels": ({"1.mp4": "A", "2.mp4": "B"}, ["A", "B"], None),
    "classes and files": ({"A": ["1.mp4"], "B": ["2"]}, ["A", "B"], None),
    "pairs": ([["1.mp4", "A"], ["2.mp4", "B"]], ["A", "B"], None),
    "lines of JSON": ('{"video": "1.mp4", "action": "A"}\n{"video": "2.mp4", "action": "B"}\n', ["A", "B"], None),
}  # fmt: skip


@pytest.mark.parametrize("case", TABLES)
def test_lists_as_published(tmp_path, case):
    text, classes, groups = TABLES[case]
    text = text if isinstance(text, str | bytes) else json.dumps(text)
    found, _ = listed(tmp_path, BOTH, text)
    assert [found[file][0] for file in BOTH] == classes
    assert [found[file][1] for file in BOTH] == (groups or [None, None])


@pytest.mark.parametrize(
    "text",
    [
        "file,label,split\n1.mp4,A,train\n2.mp4,A,test\n3.mp4,B,training\n4.mp4,B,val\n",
        '{"train": {"1.mp4": "A", "3.mp4": "B"}, "test": [{"file": "2", "label": "A"}], "val": {"4.mp4": "B"}}',
    ],
)
def test_a_list_tells_the_sides(tmp_path, text):
    found, _ = listed(tmp_path, [f"{i}.mp4" for i in range(1, 5)], text)
    assert found == {"1.mp4": ("A", None, "train"), "2.mp4": ("A", None, "test"), "3.mp4": ("B", None, "train")}


def test_a_column_that_tells_no_sides_is_no_split(tmp_path):
    found, _ = listed(tmp_path, BOTH, "file,label,set\n1.mp4,A,1\n2.mp4,B,2\n")
    assert {place[2] for place in found.values()} == {None}


def test_one_list_is_not_divided_with_a_note(tmp_path, write):
    assert sides(tmp_path / "data", train_list=write("a b.mp4 wave\nc.mp4 jump\n"))[1] == []


SEGMENTS = {  # text of a list: names of the videos
    "seconds": ("video,start_time,end_time,label\n1.mp4,0:00:01,0:01:03.5,A\n2,4,5,B\n",
                ["1.mp4#t=1,63.5", "2.mp4#t=4,5"]),
    "frames": ("video,start_frame,end_frame,label\n1.mp4,10,90,A\n2.mp4,5,,B\n",
               ["1.mp4#frames=10,90", "2.mp4#frames=5,"]),
    "unsaid": ("video,start,end,label\n1.mp4,1.5,9,A\n2.mp4,4,5,B\n", ["1.mp4#t=1.5,9", "2.mp4#t=4,5"]),
    "ActivityNet": ({"version": "1", "taxonomy": [{"nodeName": "x", "nodeId": 1}], "database": {
        "1": {"duration": 9, "annotations": [{"label": "A", "segment": [1.5, 9]}]},
        "2": {"duration": 9, "annotations": [{"label": "B", "segment": [4, 5]}]}}}, ["1.mp4#t=1.5,9", "2.mp4#t=4,5"]),
}  # fmt: skip


@pytest.mark.parametrize("case", SEGMENTS)
def test_segments(tmp_path, case):
    text, expected = SEGMENTS[case]
    found, _ = listed(tmp_path, BOTH, text if isinstance(text, str) else json.dumps(text))
    assert list(found) == expected and [place[:2] for place in found.values()] == [("A", None), ("B", None)]


def test_segments_of_one_video_are_a_group(tmp_path):
    found, _ = listed(
        tmp_path, BOTH, "video,start_time,end_time,label\n1.mp4,0,2,A\n1.mp4,2,4,B\n2,0,2,A\n2.mp4,2,4,B\n"
    )
    assert len(found) == 4 and {name[:5]: place[1] for name, place in found.items()} == {"1.mp4": "1", "2.mp4": "2"}


def test_whole_numbers_beyond_the_end_are_frames(tmp_path):
    (tmp_path / "d").mkdir()
    for name in ("1.avi", "2.avi"):
        write_video(tmp_path / "d" / name, np.zeros((50, 16, 16), np.uint8))  # two seconds
    for end, unit in ((2, "t"), (40, "frames")):
        found, said = listed(tmp_path, [], f"video,start,end,label\n1.avi,0,{end},A\n2.avi,1,2,B\n")
        assert list(found)[0] == f"1.avi#{unit}=0,{end}" and "start" in said[-1] and "end" in said[-1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ref,Motion,Who,When\n1,run,a,b\n2,sit,a,b\n", ["Ref", "Motion", "Who", "When", "file", "label"]),
        ("ref,label\n1,run\n2,sit\n", ["ref", "file"]),
        ('[{"foo": "1.mp4", "bar": 2}]', ["foo", "bar", "file", "label"]),
        ("[{", ["a.csv"]),
        ("video,start,end,label\n1.mp4,9,3,r\n", ["line 2", "9", "3"]),
        ("video,start,end,label\n1.mp4,x,3,r\n", ["line 2", "x"]),
    ],
)
def test_unknown_tables_say_what_they_have_and_need(tmp_path, text, words):
    with pytest.raises(UserError) as error:
        listed(tmp_path, BOTH, text)
    assert all(word in str(error.value) for word in words) and "\n" not in str(error.value)


def test_a_single_list_of_hmdb51_asks_for_the_folder(tmp_path):
    with pytest.raises(UserError, match="--train-list .*folder"):
        listed(tmp_path, BOTH, "1.mp4 1\n2.mp4 2\n", "sit_test_split1.txt")


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
