"""What args.json says of a run, and whether a run that is resumed is that one."""

from dataclasses import asdict
from importlib.metadata import version

from actioncnn.cli import program
from actioncnn.data.dataset import digest
from actioncnn.errors import UserError
from actioncnn.runs.tables import plain

START_ANEW = "start anew with --overwrite True in place of --resume"
UNLIKE = {"output", "cache", "workers", "gpus", "views"}  # options that may differ between a run and its resumption
OF_THE_START = {"resume", "overwrite"}  # options that say how a run was started, not what it is
RESULT_FOLLOWS_FROM = ("options", "split", "network", "recipe", "precision", "data")
PACKAGES = ("tensorflow", "keras", "numpy", "opencv-python-headless")


def record(options, network, recipe, data, split, device, notes):
    """What args.json holds, but for the figures; a dict of JSON's types."""
    rows = [None if side is None else side.tolist() for side in (data.train, data.test)]
    sides = {name: len(getattr(data, name)) for name in ("train", "test") if getattr(data, name) is not None}
    return plain(
        {
            "script": program(),
            "options": {name: value for name, value in asdict(options).items() if name not in OF_THE_START},
            "seed": options.seed,
            "split": split,
            "network": network.name,
            "model": network.stem,
            "sampling": data.sampling._asdict(),
            "recipe": recipe.as_dict(),
            "counts": {"videos": len(data.videos), "classes": len(data.classes)} | sides,
            "data": digest(data.content, rows),
            "versions": {name: version(name) for name in PACKAGES},
            "device": device.name,
            "precision": device.precision,
            "notes": notes,
        }
    )


def identity(record):
    """Digest of all that the result of a run follows from."""
    chosen = {name: record[name] for name in RESULT_FOLLOWS_FROM}
    return digest(chosen | {"options": {k: v for k, v in record["options"].items() if k not in UNLIKE}})


def check_same(folder, former, record):
    """UserError: the run in a folder, whose args.json says `former`, is not the one of the record."""
    for name, value in record["options"].items():
        before = former["options"].get(name)
        if name not in UNLIKE and before != value:
            option = "--" + name.replace("_", "-")
            why = " (the learning rate falls over all epochs: a longer run differs from its start)"
            raise UserError(
                f"--resume: {folder} holds a run with {option} {before}, not {value}{why * (name == 'epoch')}; "
                f"give the same options, or {START_ANEW}"
            )
    for name in ("network", "precision"):
        if former.get(name, record[name]) != record[name]:
            is_not = f"{name} {former[name]}, not {record[name]}"
            raise UserError(f"--resume: {folder} holds a run with {is_not}; {START_ANEW}")
    if former.get("counts") != record["counts"] or former.get("data", record["data"]) != record["data"]:
        raise UserError(f"--resume: the videos are not those of the run in {folder}; {START_ANEW}")
