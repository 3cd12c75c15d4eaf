"""The interface of 2017, in code and as a script."""

import subprocess
import sys

import numpy as np
from helpers import ROOT, as_pictures, write_blocks

from actioncnn.data.index import class_and_group
from actioncnn.video.decode import read_frames
from videoto3d import Videoto3D


def test_frames_of_a_video(tmp_path):
    write_blocks(tmp_path / "v.avi")
    frames = Videoto3D(16, 12, 4).video3d(str(tmp_path / "v.avi"), color=True, skip=False)
    assert frames.shape == (4, 12, 16, 3)
    assert np.array_equal(frames, read_frames(tmp_path / "v.avi", 16, 12, 4, True, False))
    assert Videoto3D(16, 12, 4).video3d(str(tmp_path / "v.avi")).shape == (4, 12, 16)


def test_class_names(tmp_path):
    name = Videoto3D(32, 32, 10).get_UCF_classname
    assert name("v_ApplyLipstick_g01_c02.avi") == "ApplyLipstick"
    assert name("/data/UCF-101/YoYo/v_YoYo_g25_c04.avi") == "YoYo"
    assert name("/data/mine/jump rope/clip 1.mp4") == "jump rope"
    assert class_and_group("v_My_Class_g07_c01.avi") == ("My_Class", 7)
    assert class_and_group("a/b/holiday.mp4") == ("b", None)


def test_as_a_script_from_elsewhere(tmp_path):
    write_blocks(tmp_path / "v_Run_g01_c01.avi")
    command = [sys.executable, str(ROOT / "videoto3d.py"), "v_Run_g01_c01.avi", "--depth", "5", "--output", "frames"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and "Run" in done.stdout
    assert len(list((tmp_path / "frames").glob("*.png"))) == 5
    done = subprocess.run([*command[:2], "absent.avi"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "absent.avi" in done.stderr


def test_a_dataset_is_no_video(run, bars):
    code, _, error = run("videoto3d.py", bars)
    assert code == 1 and error.count("\n") == 1 and "actioncnn.data.extract" in error


def test_a_folder_of_pictures(run, tmp_path):
    write_blocks(tmp_path / "v.avi")
    folder = as_pictures(tmp_path / "v.avi", tmp_path / "Jump" / "v_Run_g01_c01")
    (folder / "5.png").unlink()
    code, output, error = run("videoto3d.py", f"{folder}/", "--depth", 3, "--output", tmp_path / "frames")
    assert code == 0 and output.startswith("class Run, frames (3, 32, 32, 3)")
    assert error.count("\n") == 1 and "gaps" in error
    names = sorted(path.name for path in (tmp_path / "frames").iterdir())
    assert names == [f"v_Run_g01_c01_00{i}.png" for i in range(3)]
