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
    "sides with other words": ([f"{side}/{name}/{side}.mp4" for name in "ab" for side in ("ucf101_train",
        "ucf101_test")],
                               {"ucf101_test/a/ucf101_test.mp4": ("a", None, "test")}),
    "sides with sizes": ([f"{side}/{name}/{side}.mp4" for name in "ab" for side in ("train_256", "val_256")],
                         {"train_256/a/train_256.mp4": ("a", None, "train")}, "there is no test folder"),
    "sides with other letters": ([f"{side}/{name}/{side}.mp4" for name in "ab" for side in ("Train_X", "Val_X",
        "Test_X")],
                                 {"Test_X/b/Test_X.mp4": ("b", None, "test"), "Val_X/b/Val_X.mp4": None},
                                 "left out: 2 videos of the val side"),
    "sides with numbers": ([f"{side}/{name}/{side}.mp4" for name in "ab" for side in ("train1", "train2", "test1")],
                           {"train2/a/train2.mp4": ("a", None, "train"), "test1/b/test1.mp4": ("b", None, "test")}),
    "sides of two words": ([f"{side}/{name}/{side}.mp4" for name in "ab" for side in ("training set", "test set")],
                           {"test set/a/test set.mp4": ("a", None, "test")}),
    "eval": ([f"{side}/{name}/{side}.mp4" for name in "ab" for side in ("train", "eval")],
             {"eval/a/eval.mp4": ("a", None, "test")}, "val is what is tested on"),
    "hold-out": ([f"{side}/{name}/{side}.mp4" for name in "ab" for side in ("train", "hold-out")],
                 {"hold-out/a/hold-out.mp4": ("a", None, "test")}, "val is what is tested on"),
    "sides in German": ([f"{side}/{name}/{side}.mp4" for name in "ab" for side in ("Trainingsdaten", "Testdaten")],
                        {"Testdaten/a/Testdaten.mp4": ("a", None, "test")}),
    "sides in Chinese": ([f"{side}/{name}/{side}.mp4" for name in ("跑", "走") for side in ("训练集", "测试集")],
                         {"测试集/走/测试集.mp4": ("走", None, "test")}),
    "classes whose names hold words of sides": ([f"{name}/{i}.mp4" for name in ("trainer", "contest", "valley")
                                                 for i in (1, 2)], {"trainer/1.mp4": ("trainer", None, None)}),
    "a train and a bench": ([f"{name}/1.mp4" for name in ("train", "bus", "test bench")],
                            {"train/1.mp4": ("train", None, None), "test bench/1.mp4": ("test bench", None, None)}),
    "people by unknown words": ([f"vp{who}/{name}/{i}.mp4" for who in (1, 2) for name in ("winken", "zeigen")
                                 for i in (1, 2)], {"vp2/zeigen/1.mp4": ("zeigen", "vp2", None)},
                                     "so they are the classes"),
    "people, sessions, classes": ([f"S00{who}/session{day}/{name}/1.mp4" for who in (1, 5) for day in (1, 2)
                                   for name in ("wave", "clap")],
                                  {"S005/session1/clap/1.mp4": ("clap", "S005", None)}, "so they are the classes"),
    "people below sessions": ([f"{name}/session{day}/sub0{who}/1.mp4" for who in (1, 5) for day in (1, 2)
                               for name in ("wave", "clap")], {"clap/session1/sub05/1.mp4": ("clap", "sub05", None)}),
    "people below cameras": ([f"{name}/cam{cam}/{who}/1.mp4" for who in ("ann", "bob") for cam in (1, 2)
                              for name in ("wave", "clap")], {"clap/cam1/bob/1.mp4": ("clap", "bob", None)}),
    "parts with classes": ([f"dfdc_train_part_{part}/{name}/{part}.mp4" for part in (0, 1) for name in ("FAKE",
        "REAL")],
                           {"dfdc_train_part_0/FAKE/0.mp4": ("FAKE", "dfdc_train_part_0", None)},
                               "so they are the classes"),
    "places with actions": ([f"{place}/{name}/1.mp4" for place in ("kitchen", "office") for name in ("falling",
        "sitting")],
                            {"kitchen/falling/1.mp4": ("falling", "kitchen", None)}, "so they are the classes"),
    "numbered classes with takes": ([f"class_{n}/take_{i}/1.avi" for n in (1, 2) for i in (1, 2)],
                                    {"class_1/take_2/1.avi": ("class_1", "take_2", None)}),
    "numbered classes": ([f"A00{n}/{i}.avi" for n in (1, 2) for i in (1, 2)], {"A001/1.avi": ("A001", None, None)}),
    "colour and depth": ([f"{kind}/{name}/1.avi" for kind in ("rgb", "depth") for name in "ab"],
                         {"rgb/a/1.avi": ("a", None, None), "depth/a/1.avi": None}, "left out: 2 videos in depth"),
    "original and resized": ([f"{kind}/{name}/1.avi" for kind in ("original", "resized_128") for name in "ab"],
                             {"original/a/1.avi": ("a", None, None), "resized_128/a/1.avi": None},
                                 "left out: 2 videos in resized_128"),
    "tree and warrior pose": ([f"{name} pose/1.avi" for name in ("tree", "warrior")],
                              {"tree pose/1.avi": ("tree pose", None, None)}),
    "without labels": (["labeled/a/1.avi", "labeled/b/2.avi", "unlabeled/3.avi"],
                       {"labeled/a/1.avi": ("a", None, None), "unlabeled/3.avi": None}, "left out: 1 video in folders"),
    "a bin": (["a/1.avi", "b/2.avi", "$RECYCLE.BIN/c/3.avi"], {"$RECYCLE.BIN/c/3.avi": None, "a/1.avi": ("a", None,
        None)}),
    "a set in itself": ([f"{top}{name}/{i}.avi" for top in ("set/", "other/set/") for name in "ab" for i in (1, 2)],
                        {"set/a/1.avi": ("a", None, None), "other/set/a/1.avi": None}, "left out: 4 videos of a copy"),
    "a copy of a set": ([f"{top}/{name}/1.avi" for top in ("set", "set - Copy") for name in "ab"],
                        {"set/a/1.avi": ("a", None, None), "set - Copy/a/1.avi": None}, "left out: 2 videos of a copy"),
    "times that look like RAVDESS": ([f"{name}/24-11-0{i}-14-21-05-11.mp4" for name in ("fall",
        "no fall") for i in (1, 2)],
                                     {"fall/24-11-01-14-21-05-11.mp4": ("fall", None, None)}),
    "names that look like UTD-MHAD": ([f"{name}/a{i}_s1_t1.mp4" for name in ("walk", "jog") for i in (1, 2)],
                                      {"walk/a1_s1_t1.mp4": ("walk", None, None)}),
    "names that look like UCF-Crime": ([f"{name}/clip_00{i}_x264.mp4" for name in ("jump", "fall") for i in (1, 2)],
                                       {"jump/clip_001_x264.mp4": ("jump", None, None)}),
    "UCF-101 in classes of a user": ([f"{name}/v_{of}_g0{g}_c01.avi" for name, of in (("sport", "Biking"),
                                      ("music", "PlayingDaf")) for g in (1, 2)],
                                     {"sport/v_Biking_g02_c01.avi": ("sport", 2, None)}),
    "RAVDESS as it is unpacked": ([f"Video_Speech_Actor_0{who}/Actor_0{who}/01-01-0{what}-01-01-01-0{who}.mp4"
                                   for who in (1, 2) for what in (3, 5)],
                                  {"Video_Speech_Actor_01/Actor_01/01-01-03-01-01-01-01.mp4": ("03", "01", None)}, ""),
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


PICTURES = {  # dataset: (folders of pictures and videos; class and group of those that there are; a word of a note)
    "people": ([f"P00{who}/{name}" for who in (1, 2) for name in ("Anger", "Happiness")],
               {"P001/Anger": ("Anger", "P001"), "P002/Anger": ("Anger", "P002"), "P001/Happiness": ("Happiness",
                   "P001"),
                "P002/Happiness": ("Happiness", "P002")}, "so they are the classes"),
    "clips": ([f"{name}/clip{i}" for i in (1, 2) for name in "ab"],
              {f"{name}/clip{i}": (name, None) for i in (1, 2) for name in "ab"}, None),
    "beside their videos": (["a/1.mp4", "a/1", "b/2.mp4", "b/2"], {"a/1.mp4": ("a", None), "b/2.mp4": ("b", None)},
                            "left out: 2 folders of frames beside their videos"),
    "in a tree of their own": (["videos/a/1.mp4", "videos/b/2.mp4", "frames/a/1", "frames/b/2"],
                               {"videos/a/1.mp4": ("a", None), "videos/b/2.mp4": ("b", None)},
                                   "left out: 2 videos in frames"),
    "colour and depth": ([f"{name}/clip1/{kind}" for name in "ab" for kind in ("rgb", "depth")],
                         {"a/clip1/rgb": ("a", None), "b/clip1/rgb": ("b", None)}, "left out: 2 videos in depth"),
    "thumbnails": (["a/x/1.mp4", "a/y/2.mp4", "b/z/3.mp4", "a", "b"],
                   {"a/x/1.mp4": ("a", "x"), "a/y/2.mp4": ("a", "y"), "b/z/3.mp4": ("b", "z")}, None),
    "crops of the frames": (["a/1", "a/1/crops", "b/2", "b/2/crops"], {"a/1": ("a", None), "b/2": ("b", None)}, None),
}  # fmt: skip


@pytest.mark.parametrize("dataset", PICTURES)
def test_folders_of_pictures(tmp_path, dataset):
    folders, expected, words = PICTURES[dataset]
    for name in folders:
        touch(tmp_path, *([name] if "." in name else [f"{name}/{i:03d}.jpeg" for i in range(6)]))
    listed = index.understand(tmp_path)
    assert {video.path.relative_to(tmp_path).as_posix(): video[1:3] for video in listed.videos} == expected
    assert [note for note in listed.notes if words and words in note] or (not words and not listed.notes)


def test_folders_of_pictures_can_be_named_as_classes(tmp_path):
    touch(tmp_path, *(f"{who}/{name}/{i}.png" for who in ("ann", "bob") for name in ("x", "y") for i in range(4)))
    listed = index.understand(tmp_path, class_level=2)
    assert {(video.name, video.group) for video in listed.videos} == {(n, g) for n in "xy" for g in ("ann", "bob")}


def test_a_folder_with_thumbnails_is_no_clip(tmp_path):
    touch(tmp_path, *(f"shot{i}.png" for i in range(9)), "talk/1.mp4", "walk/2.mp4")
    assert not index.is_clip(tmp_path)
    assert [path.name for path in index.video_paths(tmp_path)] == ["1.mp4", "2.mp4"]


@pytest.mark.parametrize(
    ("files", "levels"),
    [
        (["dfdc_train_part_0/a.mp4", "dfdc_train_part_1/b.mp4"], [1]),
        (["P03/cam01/x_tea.mp4", "P03/cam02/x_tea.mp4", "P04/cam01/x_tea.mp4", "P04/cam02/x_milk.mp4"], [2]),
        (["s1/x/1.mp4", "s2/y/1.mp4", "s2/z/1.mp4"], [1, 2]),
    ],
)
def test_which_folder_is_the_class_is_asked(tmp_path, files, levels):
    touch(tmp_path, *files)
    with pytest.raises(UserError, match="--class-level") as error:
        index.understand(tmp_path)
    for level in levels:
        assert f"--class-level {level}" in str(error.value)
        parts = {file.split("/")[level - 1] for file in files}
        assert {video.name for video in index.understand(tmp_path, class_level=level).videos} == parts


def test_group_level(tmp_path):
    touch(tmp_path, *(f"{n}/{d}/{w}/1.mp4" for n in ("run", "sit") for d in ("mon", "tue") for w in ("ann", "bob")))
    groups = lambda **given: {video.group for video in index.understand(tmp_path, **given).videos}  # noqa: E731
    assert groups() == groups(group_level=2) == {"mon", "tue"} and groups(group_level=3) == {"ann", "bob"}
    for wrong in (1, 4):
        with pytest.raises(UserError, match=f"--group-level {wrong}"):
            groups(group_level=wrong)


def test_what_is_passed_over_is_counted_by_kind(tmp_path):
    touch(tmp_path, "a/1.h264", "b/2.MOD", "c/3.dv", "d/4.y4m", "e/5.mjpeg", "a/x.xyz", "a/y.xyz", "readme", ".hidden")
    listed = index.understand(tmp_path)
    assert [video.name for video in listed.videos] == list("abcde")
    assert "2 .xyz" in listed.understood[-1] and "1 without an ending" in listed.understood[-1]
    touch(tmp_path / "none", "a/x.xyz")
    with pytest.raises(UserError, match="1 .xyz"):
        index.understand(tmp_path / "none")


def test_an_accent_written_in_two_ways_is_one_class(tmp_path):
    touch(tmp_path, "caf\u00e9/1.mp4", "cafe\u0301/2.mp4", "tea/3.mp4")
    listed = index.understand(tmp_path)
    assert len({video.name for video in listed.videos}) == 2 and "accents" in listed.notes[0]


def test_an_example_of_each_kind_is_shown(tmp_path):
    touch(tmp_path, "train/a/s1/x.mp4", "train/a/s2/x.mp4", "train/b/y.mp4", "test/b/v_b_g01_c01.avi")
    assert index.understand(tmp_path).understood == [
        f"{tmp_path}: 4 videos, 2 classes (a, b), 3 groups",
        "2 videos like train/a/s1/x.mp4: class a, group s1, train side",
        "1 video like test/b/v_b_g01_c01.avi: class b, group 1, test side (names follow UCF-101, UCF-50)",
        "1 video like train/b/y.mp4: class b, train side",
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
