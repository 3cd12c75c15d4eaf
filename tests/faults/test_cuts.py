"""A run that is cut at any moment leaves the old run or the new one, unfinished, and goes on to the same bytes."""

import json
import shutil

import pytest
from faults.harness import LONG, check, contents, draws, launch, run_cut, tried, without_output
from helpers import run_script

from actioncnn.errors import UserError
from actioncnn.runs import folder
from actioncnn.runs.find import find_model

CHANGES = 40  # of the files of a run of two epochs over a former one, about
KINDS = {
    "one network": ("3dcnn.py",),
    "--split all": ("3dcnn.py", "--split", "all"),
    "ensemble": ("3dcnn_ensemble.py", "--nmodel", 2),
}


def state(output):
    """ "old", "new" or "unfinished", as the seed and the figures in args.json say."""
    args = json.loads((output / folder.ARGS).read_text())
    if args["metrics"] is None:
        return "unfinished"
    return "old" if args["seed"] == 1 else "new"


def check_state(output, old, new):
    found = state(output)
    files = contents(output)
    if found == "unfinished":
        if "parts" not in json.loads(files[folder.ARGS]):
            with pytest.raises(UserError, match="has not ended"):
                find_model(output)
    else:
        expected = old if found == "old" else new
        kept = {name: content for name, content in files.items() if not name.startswith("checkpoint")}
        assert without_output(kept) == expected, f"{found}, but not whole"


def check_resumed(output, new, resume):
    """What is not the old run any more goes on to the new one."""
    if state(output) != "old":
        code = resume()
        assert code == 0, f"--resume ends with {code}"
        resumed = without_output(contents(output))
        different = [name for name in new.keys() | resumed.keys() if new.get(name) != resumed.get(name)]
        assert not different, f"{different} differ from those of a run that was not cut"


def former(whole, path):
    """The same files with other contents, as those of a run of seed 1."""
    shutil.copytree(whole, path)
    for each in path.iterdir():
        each.write_bytes(b"former" + each.read_bytes())
    args = json.loads((whole / folder.ARGS).read_text())
    (path / folder.ARGS).write_text(json.dumps(args | {"seed": 1}))
    return path


@pytest.mark.slow
def test_a_run_over_an_old_one(options, whole, tmp_path, monkeypatch, capfd):
    kind, script = "cut over an old run, then resumed", "3dcnn.py"
    new, old = (without_output(contents(path)) for path in (whole, former(whole, tmp_path / "old")))
    for moment in sorted(draws(kind).sample(range(CHANGES), CHANGES if LONG else 1)):
        output = shutil.copytree(tmp_path / "old", tmp_path / "cut")
        again = [*options, "--output", output, "--resume"]
        with tried(kind, f"change {moment}"):
            assert run_cut(monkeypatch, output, moment, script, *options, "--overwrite") or moment > 30
            check_state(output, old, new)
            check_resumed(output, new, lambda again=again: run_script(script, *again))
        shutil.rmtree(output)
    check(kind)


@pytest.mark.slow
@pytest.mark.skipif(not LONG, reason="takes minutes: make faults")
@pytest.mark.parametrize("kind", KINDS)
def test_kills(options, tmp_path, kind):
    script, *more = KINDS[kind]
    made = {}
    for seed, name in ((1, "old"), (2, "new")):
        assert launch(script, *options, *more, "--seed", seed, "--output", tmp_path / name)[0] == 0
        made[name] = without_output(contents(tmp_path / name))
    random = draws(kind)
    for number in range(12):
        output = shutil.copytree(tmp_path / "old", tmp_path / "killed")
        again = [*options, *more, "--seed", 2, "--output", output]
        how = {"moment": random.randrange(90)} if number % 2 else {"seconds": random.uniform(0, 12)}
        with tried(f"killed: {kind}", how):
            launch(script, *again, "--overwrite", **how)
            check_state(output, made["old"], made["new"])
            check_resumed(output, made["new"], lambda again=again: launch(script, *again, "--resume")[0])
        shutil.rmtree(output)
    check(f"killed: {kind}")
