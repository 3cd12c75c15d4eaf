"""What folders mean: trees as public datasets have them, and trees that are odd."""

import pytest
from helpers import touch

from actioncnn.data import index, layout
from actioncnn.errors import UserError

DATASETS = {  # dataset: (files; for some of them class, group, side; a word of a note)
    "UCF-11": (
        [f"{name}/v_{clip}_{g:02d}/v_{clip}_{g:02d}_{c:02d}.mpg" for name, clip in (("basketball", "shooting"),
         ("biking", "biking")) for g in (1, 2, 3) for c in (1, 2)],
        {"basketball/v_shooting_01/v_shooting_01_02.mpg": ("basketball", "v_shooting_01", None)},
    ),
    "UCF-11 flat": ([f"v_{name}_0{g}_01.mpg" for name in ("walk_dog", "golf") for g in (1, 2)],
                    {"v_walk_dog_02_01.mpg": ("walk_dog", "02", None)}),
    "UCF Sports": (
        [f"ucf action/{name}/{g:03d}/x{g}.avi" for name in ("Diving-Side", "Golf-Swing-Back") for g in (1, 2, 3)],
        {"ucf action/Diving-Side/001/x1.avi": ("Diving-Side", "001", None)},
    ),
    "UCF-101": (["UCF-101/YoYo/v_YoYo_g01_c01.avi", "UCF-101/Punch/v_Punch_g25_c03.avi"],
                {"UCF-101/YoYo/v_YoYo_g01_c01.avi": ("YoYo", 1, None)}),
    "UCF-50 flat": (["v_YoYo_g01_c01.avi", "v_BaseballPitch_g25_c03.avi"],
                    {"v_BaseballPitch_g25_c03.avi": ("BaseballPitch", 25, None)}),
    "UCF-101 in train and test": (
        [f"{side}/{name}/v_{name}_g{g:02d}_c01.avi" for name in ("YoYo", "Punch") for side, g in (("train", 1),
         ("test", 9), ("val", 3))],
        {"test/YoYo/v_YoYo_g09_c01.avi": ("YoYo", 9, "test"), "val/YoYo/v_YoYo_g03_c01.avi": None,
         "train/Punch/v_Punch_g01_c01.avi": ("Punch", 1, "train")},
        "left out: 2 videos of the val side",
    ),
    "HMDB-51": (
        ["hmdb51_org/brush_hair/April_09_brush_hair_u_nm_np1_ba_goo_0.avi",
         "hmdb51_org/draw_sword/Blade_Of_Fury_draw_sword_f_cm_np1_ri_med_1.avi"],
        {"hmdb51_org/brush_hair/April_09_brush_hair_u_nm_np1_ba_goo_0.avi": ("brush_hair", "April_09", None),
         "hmdb51_org/draw_sword/Blade_Of_Fury_draw_sword_f_cm_np1_ri_med_1.avi": ("draw_sword", "Blade_Of_Fury", None)},
    ),
    "KTH": ([f"{name}/person{p:02d}_{name}_d{d}_uncomp.avi" for name in ("boxing", "running") for p in (1, 25)
             for d in (1, 2)],
            {"boxing/person25_boxing_d2_uncomp.avi": ("boxing", "person25", None)}),
    "KTH by person": ([f"person{p:02d}/person{p:02d}_{name}_d1_uncomp.avi" for name in ("boxing", "running")
                       for p in (1, 25)],
                      {"person01/person01_boxing_d1_uncomp.avi": ("boxing", "person01", None)}),
    "Weizmann": (["daria_bend.avi", "lena_walk2.avi", "ido_wave1.avi"],
                 {"daria_bend.avi": ("bend", "daria", None), "lena_walk2.avi": ("walk", "lena", None),
                  "ido_wave1.avi": ("wave1", "ido", None)}),
    "Kinetics": (
        [f"kinetics/{side}/{name}/{i}abcdefghij_000001_000011.mp4" for i, (side, name) in enumerate(
            (s, n) for s in ("train", "val", "test") for n in ("abseiling", "air drumming"))],
        {"kinetics/train/abseiling/0abcdefghij_000001_000011.mp4": ("abseiling", None, "train"),
         "kinetics/val/abseiling/2abcdefghij_000001_000011.mp4": None,
         "kinetics/test/air drumming/5abcdefghij_000001_000011.mp4": ("air drumming", None, "test")},
        "left out: 2 videos of the val side",
    ),
    "RWF-2000": (
        [f"RWF-2000/{side}/{name}/{side}{name}_0.avi" for side in ("train", "val") for name in ("Fight", "NonFight")],
        {"RWF-2000/val/NonFight/valNonFight_0.avi": ("NonFight", None, "test")},
        "there is no test folder: val is what is tested on",
    ),
    "Hockey Fights": (["HockeyFights/fi1_xvid.avi", "HockeyFights/no500_xvid.avi"],
                      {"HockeyFights/fi1_xvid.avi": ("fi", None, None)}),
    "UCF-Crime": (["Anomaly-Videos-Part-1/Abuse/Abuse001_x264.mp4", "Anomaly-Videos-Part-2/Arson/Arson009_x264.mp4",
                   "Normal/Normal_Videos_003_x264.mp4"],
                  {"Anomaly-Videos-Part-2/Arson/Arson009_x264.mp4": ("Arson", None, None),
                   "Normal/Normal_Videos_003_x264.mp4": ("Normal_Videos", None, None)}),
    "MIRACL-VC1": (
        [f"dataset/{who}/words/{word:02d}/{i:02d}.mp4" for who in ("F01", "F02", "M01") for word in (1, 2, 3)
         for i in (1, 2)],
        {"dataset/M01/words/03/02.mp4": ("03", "M01", None)},
        "so they are the classes; --class-level 2 takes the outer ones",
    ),
    "RAVDESS": (["Actor_01/01-01-03-01-01-01-01.mp4", "Actor_02/01-01-05-01-01-01-02.mp4"],
                {"Actor_02/01-01-05-01-01-01-02.mp4": ("05", "02", None)}),
    "NTU RGB+D": (["nturgb+d_rgb/S001C001P003R001A024_rgb.avi", "nturgb+d_rgb/S001C001P004R001A002_rgb.avi"],
                  {"nturgb+d_rgb/S001C001P003R001A024_rgb.avi": ("A024", "P003", None)}),
    "CREMA-D": (["VideoFlash/1001_DFA_ANG_XX.flv", "VideoFlash/1002_DFA_SAD_XX.flv"],
                {"VideoFlash/1002_DFA_SAD_XX.flv": ("SAD", "1002", None)}),
    "LSA64": (["all/001_004_002.mp4", "all/064_010_005.mp4"], {"all/064_010_005.mp4": ("064", "010", None)}),
    "IXMAS": ([f"{name}/{who}/{take}/cam{cam}.avi" for name in ("kick", "punch") for who in ("alba", "amel")
               for take in (1, 2) for cam in range(2)],
              {"kick/alba/1/cam0.avi": ("kick", "alba", None)}, "if they are the classes, give --class-level 2"),
    "sides below the classes": ([f"{name}/{side}/x{i}.mp4" for name in "ab" for side in ("Training", "Testing")
                                 for i in (1, 2)],
                                {"a/Training/x1.mp4": ("a", None, "train"), "b/Testing/x2.mp4": ("b", None, "test")}),
    "mmaction": ([f"{side}/{name}/x{side}.mp4" for name in "ab" for side in ("videos_train", "videos_val")],
                 {"videos_train/a/xvideos_train.mp4": ("a", None, "train")}, "there is no test folder"),
    "test without labels": (["train/a/train.mp4", "train/b/x.mp4", "val/a/x.mp4", "val/b/val.mp4", "test/9.mp4"],
                            {"train/a/train.mp4": ("a", None, "train"), "val/b/val.mp4": ("b", None, "test"),
                             "test/9.mp4": None}, "left out: 1 video in no class folder"),
    "only train": ([f"train/{name}/{name}{g}/x.mp4" for name in "ab" for g in "gh"],
                   {"train/a/ag/x.mp4": ("a", "ag", None)}),
    "parts": ([f"part{p}/{name}/{p}.mp4" for name in ("run", "walk") for p in (1, 2)],
              {"part1/run/1.mp4": ("run", "part1", None)},
              "(run, walk) lie in part1, part2: so they are the classes; --class-level 1 takes the outer ones"),
    "classes with a group or none": (["a/x.mp4", "a/s1/y.mp4", "a/s2/z.mp4", "b/x.mp4"],
                                     {"a/x.mp4": ("a", None, None), "a/s2/z.mp4": ("a", "s2", None)}),
    "beside the classes": (["a/x.mp4", "b/x.mp4", "intro.mp4"], {"intro.mp4": None},
                           "left out: 1 video in no class folder, such as {root}/intro.mp4"),
    "beside the sides": ([f"{side}/{name}/{side}.mp4" for name in "ab" for side in ("train", "test", "extra")],
                         {"extra/a/extra.mp4": None}, "left out: 2 videos beside the train and test folders"),
    "deep": ([f"{name}/s{s}/day1/morning/cam1/x/{s}.mp4" for name in "ab" for s in (1, 2)],
             {"a/s2/day1/morning/cam1/x/2.mp4": ("a", "s2", None)}),
    "train as a class": (["car/x.mp4", "train/x.mp4", "bus/x.mp4"], {"train/x.mp4": ("train", None, None)}),
    "case": (["Wave/a.mp4", "wave/b.mp4", "Jump/c.mp4"], {"wave/b.mp4": ("Wave", None, None)},
             "Wave and wave differ in case only: they are one class"),
}  # fmt: skip


@pytest.mark.parametrize("dataset", DATASETS)
def test_datasets(tmp_path, dataset):
    files, expected, *words = DATASETS[dataset]
    touch(tmp_path, *files)
    found = index.understand(tmp_path)
    places = {video.path.relative_to(tmp_path).as_posix(): video[1:] for video in found.videos}
    assert {file: places.get(file) for file in expected} == expected
    assert set(files) == set(places) | {file for file, place in expected.items() if place is None} or "left out" in (
        " ".join(words)
    )
    assert [note for note in found.notes if words and words[0].format(root=tmp_path) in note] or not words, found.notes
    assert words or not found.notes


def test_an_example_of_each_kind_is_shown(tmp_path):
    touch(tmp_path, "train/a/s1/x.mp4", "train/a/s2/x.mp4", "train/b/y.mp4", "test/b/v_b_g01_c01.avi")
    assert index.understand(tmp_path).understood == [
        f"{tmp_path}: 4 videos, 2 classes (a, b), 3 groups",
        "2 like train/a/s1/x.mp4: class a, group s1, train side",
        "1 like test/b/v_b_g01_c01.avi: class b, group 1, test side (names as of UCF-101, UCF-50)",
        "1 like train/b/y.mp4: class b, train side",
    ]


def test_class_level(tmp_path):
    touch(
        tmp_path, *(f"{who}/{name}/{take}.mp4" for who in ("ann", "bob") for name in ("run", "wave") for take in "12")
    )
    assert {video.name for video in index.understand(tmp_path, class_level=1).videos} == {"ann", "bob"}
    for found in (index.understand(tmp_path), index.understand(tmp_path, class_level=2)):
        assert {(video.name, video.group) for video in found.videos} == {
            (n, g) for n in ("run", "wave") for g in ("ann", "bob")
        }
    with pytest.raises(UserError, match="--class-level 3: no class folder there; the folders go like ann/run/"):
        index.understand(tmp_path, class_level=3)


def test_class_level_goes_before_names(tmp_path):
    touch(tmp_path, "train/good/v_a_g01_c01.avi", "train/bad/v_a_g02_c01.avi", "test/good/v_b_g03_c01.avi")
    found = index.understand(tmp_path, class_level=2).videos
    assert [video[1:] for video in found] == [("bad", 2, "train"), ("good", 1, "train"), ("good", 3, "test")]
    with pytest.raises(UserError, match="--class-level 1: no class folder"):
        index.understand(tmp_path, class_level=1)


def test_the_same_file_on_both_sides(tmp_path):
    for side, content in (("train", "same"), ("test", "same")):
        touch(tmp_path, f"{side}/a/1.mp4", f"{side}/a/2.mp4", f"{side}/b/1.mp4")
        (tmp_path / side / "a" / "1.mp4").write_text(content)
        (tmp_path / side / "a" / "2.mp4").write_text(side)
    found = index.understand(tmp_path)
    assert found.notes == [
        f"left out of training: 1 video that test has too, such as {tmp_path / 'train' / 'a' / '1.mp4'}"
    ]
    assert len(found.videos) == 5


@pytest.mark.parametrize(
    "name, side",
    [("Train", "train"), ("training_set", "train"), ("videos_val", "val"), ("Validation", "val"), ("test-data", "test"),
     ("TESTING", "test"), ("valley", None), ("trainer", None), ("contest", None), ("test1", None)],
)  # fmt: skip
def test_names_of_sides(name, side):
    assert layout.side_of(name) == side


def test_sides_without_classes(tmp_path):
    touch(tmp_path, "train/x.mp4", "train/y.mp4", "test/z.mp4")
    with pytest.raises(
        UserError, match="no video of a class in .*left out: 3 videos in no class folder.*v_YoYo_g01_c02"
    ):
        index.scan(tmp_path)
    touch(tmp_path, "train/fi1_xvid.avi", "test/no2_xvid.avi")
    assert [video[1:] for video in index.scan(tmp_path)] == [("fi", None, "train"), ("no", None, "test")]


def test_a_stray_file_beside_known_names_is_no_class(tmp_path):
    touch(tmp_path, "v_Bow_g01_c01.avi", "intro.avi", "a/v_Run_g01_c01.avi")
    found = index.understand(tmp_path)
    assert [video.name for video in found.videos] == ["Bow", "Run"]
    assert found.notes == [f"left out: 1 video in no class folder, such as {tmp_path / 'intro.avi'}"]


def test_one_folder_shows_the_forms(tmp_path):
    touch(tmp_path, "x.avi", "y.avi")
    with pytest.raises(UserError, match="only one class .*v_YoYo_g01_c02.avi .UCF-101.*person01_boxing_d1_uncomp.avi"):
        index.choose_classes(index.scan(tmp_path), 101)


def test_no_class_on_the_sides(tmp_path):
    touch(tmp_path, "train/x.mp4", "test/a/y.mp4", "test/b/y.mp4")
    found = index.understand(tmp_path)
    assert {video.side for video in found.videos} == {None} and {video.name for video in found.videos} == {"a", "b"}
    assert "no side but test has videos of classes: the split is made anew" in found.notes
