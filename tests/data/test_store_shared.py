"""The cache where many read into it, where pictures change, and where a drive, a worker or a file goes for a while."""

import os
import signal
import threading

import numpy as np
import pytest
from helpers import SAMPLING, as_pictures, names, video

from actioncnn.data import cache
from actioncnn.errors import UserError
from videoto3d import Videoto3D

pytestmark = pytest.mark.usefixtures("forked")


def test_shards_of_many_machines_become_one_cache(videos, tmp_path, load, decoded):
    whole, _ = cache.load_clips(videos, SAMPLING, tmp_path / "elsewhere", workers=1)
    assert decoded() == names(videos)
    for number in (1, 2, 3, 3):  # the last one is done already
        had, failures = cache.extract_shard(videos, SAMPLING, (number, 4), tmp_path / "cache", workers=1)
    assert had == 1 and failures == {}
    assert len(list((tmp_path / "cache").glob("*-shard-*.partial"))) == 3
    before = len(decoded())
    array, failures = load(videos)  # the machine of the last shard was not there: one video of six is left
    assert failures == {} and len(decoded()) == before + 1
    np.testing.assert_array_equal(array, whole)
    assert not list((tmp_path / "cache").glob("*-shard-*.partial")) and not list((tmp_path / "cache").glob("*.log-*"))
    assert cache.extract_shard(videos, SAMPLING, (1, 4), tmp_path / "cache", workers=1) == (2, {})


def test_a_shard_tells_what_failed_and_its_damage_is_made_good(videos, tmp_path, load, decoded):
    videos[3].path.write_bytes(b"no video")
    assert 3 in cache.extract_shard(videos, SAMPLING, (2, 2), tmp_path / "cache", workers=1)[1]
    (shard,) = (tmp_path / "cache").glob("*-shard-*.partial")
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1  # of the last video, which belongs to this shard
    shard.write_bytes(content)
    array, failures = load(videos)
    assert list(failures) == [3] and not array[3].any()
    expected = Videoto3D(16, 16, 4).video3d(videos[5].path)
    np.testing.assert_array_equal(array[5, ..., 0], np.moveaxis(expected, 0, 2))


def test_changed_pictures_are_noticed(videos, load, tmp_path):
    folders = [video(as_pictures(item.path, tmp_path / "pictures" / item.path.stem)) for item in videos]
    whole = np.array(load(videos)[0])
    np.testing.assert_array_equal(load(folders)[0], whole)
    frames = [folders[0].path / f"{i}.png" for i in range(12)]  # 0, 3, 6 and 9 are wanted

    def keys():
        return [cache.cache_key(folders, SAMPLING), cache.cache_key(folders, SAMPLING._replace(depth=6))]

    before = keys()
    frames[4].write_bytes(frames[3].read_bytes())
    assert keys()[0] == before[0] and keys()[1] != before[1]
    frames[3].write_bytes(frames[5].read_bytes())
    np.testing.assert_array_equal(load(folders)[0][0, :, :, 1], load(videos, depth=12)[0][0, :, :, 5])
    before = keys()
    frames[11].unlink()  # now 0, 2, 5 and 8 are
    assert keys()[0] != before[0]
    np.testing.assert_array_equal(load(folders)[0][0, :, :, 3], load(videos, depth=12)[0][0, :, :, 8])


def test_what_is_odd_about_pictures_is_told_once(videos, load, tmp_path, capfd):
    folders = [video(as_pictures(item.path, tmp_path / "pictures" / item.path.stem)) for item in videos]
    for item in folders[:2]:
        (item.path / "5.png").unlink()
    _, failures = load(folders)
    told = [line for line in capfd.readouterr().err.splitlines() if "note" in line]
    assert len(told) == 1 and f"{folders[0].path} and 1 more: the numbers of its pictures have gaps" in told[0]
    assert failures == {}
    load(folders)
    assert capfd.readouterr().err == ""


def test_a_failure_that_passes_is_tried_again(videos, load, decoded):
    hidden = videos[2].path.rename(videos[2].path.with_suffix(".hidden"))
    key, cache_key = cache.cache_key(videos, SAMPLING), cache.cache_key
    with pytest.MonkeyPatch.context() as patch:  # as if the drive went after the files were listed
        patch.setattr(cache, "cache_key", lambda *_: key)
        array, failures = load(videos)
        assert failures == {2: "no such file"} and array[3].any() and not array[2].any()
        hidden.rename(videos[2].path)
        before = len(decoded())
        array, failures = load(videos)
        assert failures == {} and array[2].any() and len(decoded()) == before + 1
        assert load(videos)[1] == {} and len(decoded()) == before + 1
    assert cache.cache_key is cache_key


def test_a_drive_that_has_gone_ends_the_run_and_costs_nothing(videos, load, decoded, monkeypatch):
    key = cache.cache_key(videos, SAMPLING)
    monkeypatch.setattr(cache, "cache_key", lambda *_: key)
    for item in videos[1:5]:
        item.path.rename(item.path.with_suffix(".hidden"))
    with pytest.raises(UserError, match="4 of 6 videos cannot be read for now, such as .*1.avi: no such file; check"):
        load(videos)
    for item in videos[1:5]:
        item.path.with_suffix(".hidden").rename(item.path)
    before = len(decoded())
    assert load(videos)[1] == {} and len(decoded()) == before + 4


def kill(path, sampling):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_that_the_system_kills_is_no_verdict_on_the_video(videos, load, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("actioncnn.video.decode.read_clip", kill)
        with pytest.raises(UserError, match="6 of 6 .* the system killed its process, maybe for want of memory; check"):
            load(videos)
    assert load(videos)[1] == {}


def test_threads_of_one_process_share_the_work(videos, load, decoded):
    arrays = []
    threads = [threading.Thread(target=lambda: arrays.append(load(videos)[0])) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(*arrays)
    assert decoded() == names(videos)


def test_full_disk_is_noticed_before_anything_is_decoded(videos, load, decoded, monkeypatch, tmp_path):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000}))
    with pytest.raises(UserError, match="--cache: .*cache: 0.00 GB needed, 0.00 GB free; make room"):
        load(videos)
    assert decoded() == []
