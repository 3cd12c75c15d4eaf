"""File names of public datasets."""

from pathlib import Path

import pytest

from actioncnn.data import names

EXPECTED = {  # dataset: class and group of its example
    "UCF-101, UCF-50": ("YoYo", 1),
    "KTH": ("boxing", "person01"),
    "Weizmann": ("bend", "daria"),
    "HMDB-51": ("brush_hair", "April_09"),
    "NTU RGB+D": ("A024", "P003"),
    "UTD-MHAD": ("a1", "s3"),
    "RAVDESS": ("06", "12"),
    "CREMA-D": ("ANG", "1001"),
    "UCF-Crime": ("Abuse", None),
    "UCF-11": ("shooting", "01"),
    "Hockey Fights": ("fi", None),
    "LSA64": ("001", "004"),
}


@pytest.mark.parametrize("pattern", names.PATTERNS, ids=lambda pattern: pattern.dataset)
def test_examples(pattern):
    assert names.match(pattern.example, only_sure=False) == (*EXPECTED[pattern.dataset], pattern.dataset)
    assert pattern.sure == (names.match(pattern.example) is not None)
    assert pattern.example in names.forms() and names.is_video(pattern.example)


@pytest.mark.parametrize(
    "name, expected",
    [
        ("v_My_Class_g07_c01.avi", ("My_Class", 7)),
        ("lena_wave2.avi", ("wave2", "lena")),
        ("lena_walk2.avi", ("walk", "lena")),
        ("Blade_draw_sword_f_cm_np1_ri_med_1.avi", ("draw_sword", "Blade")),
        ("jump_rope_run_f_cm_np1_ri_med_12.avi", ("run", "jump_rope")),
        ("Normal_Videos_003_x264.mp4", ("Normal_Videos", None)),
        ("a01_s10_e02_rgb.avi", ("a01", "s10")),
    ],
)
def test_more_of_them(name, expected):
    assert names.match(name)[:2] == expected


@pytest.mark.parametrize(
    "name", ["holiday.mp4", "v_wave_1.avi", "anna_bend.avi", "x_y_f_nm_np1_fr_bad_1.avi", "12-01.mp4"]
)
def test_other_names_tell_nothing(name):
    assert names.match(name, only_sure=False) is None


def test_the_shortest_paths_that_tell_files_apart():
    paths = [Path(name) for name in ("x/a/01.avi", "y/a/01.avi", "y/b/01.avi", "y/b/02.avi", "03.avi", "z/03.avi")]
    texts = names.told_apart(paths)
    assert [texts[path] for path in paths] == ["x/a/01.avi", "y/a/01.avi", "b/01.avi", "02.avi", "03.avi", "z/03.avi"]
