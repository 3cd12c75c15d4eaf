"""What explain.py writes of each video, of many together, and of the order of frames."""

import io
from typing import NamedTuple

import numpy as np

from actioncnn import files
from actioncnn.explain import order, overlay
from actioncnn.figures import charts, strips
from actioncnn.figures.text import shown
from actioncnn.runs.tables import best_classes, write_json

ENDINGS = "png", "npy", "gif", "json"  # of the files about one video
SHEETS = (  # about many together
    "explained.png", "explained_mean.png", "mistakes.png", "least_sure.png", "order.png", "order.json",
)  # fmt: skip
PERIOD = 120  # milliseconds a frame is shown
TOP = 5  # classes in the JSON


class Explained(NamedTuple):
    """A video, and why a network says of it what it says."""

    path: object
    clip: np.ndarray  # uint8 (H, W, T, C) or (H, W, C)
    probabilities: np.ndarray  # (classes,)
    label: int  # the class whose evidence it is
    against: int | None
    evidence: np.ndarray  # float32 (T, H, W)
    rows: list | None  # of order.motion; None: a single frame


def names_of(item, classes):
    """What orange and what blue speaks for, in words."""
    other = "speaks against it" if item.against is None else f"speaks for {shown(classes[item.against])}"
    return f"speaks for {shown(classes[item.label])}", other


def title_of(item, classes):
    best = int(item.probabilities.argmax())
    said = f"{shown(classes[best])} {item.probabilities[best]:.1%}"
    if best != item.label:
        said += f", {shown(classes[item.label])} {item.probabilities[item.label]:.1%}"
    return f"{shown(item.path.name, 60)}: {said}"


def write_video(stem, item, classes):
    """Filmstrip, animation, array and figures of one video; stem: of their paths, as text."""
    picture = overlay.filmstrip(item.clip, item.evidence, title_of(item, classes), names_of(item, classes))
    files.write(f"{stem}_evidence.png", strips.image(picture))
    buffer = io.BytesIO()
    np.save(buffer, item.evidence)
    files.write(f"{stem}_evidence.npy", buffer.getvalue())
    if len(item.evidence) > 1:
        files.write(f"{stem}_evidence.gif", strips.gif(overlay.animation(item.clip, item.evidence), PERIOD))
    write_json(f"{stem}_evidence.json", facts(item, classes))


def facts(item, classes):
    """A dict for JSON."""
    parts = np.maximum(item.evidence, 0), np.maximum(-item.evidence, 0)
    return {
        "file": str(item.path),
        "predictions": [
            {"class": name, "probability": p} for name, p in best_classes(item.probabilities, classes, TOP)
        ],
        "class": classes[item.label],
        "probability": item.probabilities[item.label],
        "against": None if item.against is None else classes[item.against],
        "unit": overlay.unit(item.evidence),
        "evidence_for": parts[0].sum(),
        "evidence_against": parts[1].sum(),
        "frames": [{"for": a.sum(), "against": b.sum()} for a, b in zip(*parts, strict=True)],
        "order": item.rows and order_facts(item.rows, order.verdict(item.rows, len(classes))),
    }


def order_facts(rows, verdict):
    table = [
        {"frames": row.name, "right": row.right.mean()}
        | {name: getattr(row, name).mean() for name in ("probability", "least", "most")}
        for row in rows
    ]
    return {"table": table, "verdict": verdict}


def write_order(directory, rows, title, verdict, chance):
    """order.png and order.json of the rows of order.motion."""
    files.write(directory / "order.png", charts.png(order.figure, rows, title, verdict, chance))
    values = order_facts(rows, verdict) | {"chance": chance, "clips": len(rows[0].right)}
    write_json(directory / "order.json", values)


def tile(item, classes):
    """The video in the sheet of many."""
    return overlay.tile(item.clip, [item.evidence], title_of(item, classes), [names_of(item, classes)])


def title_of_mistake(taken, true, classes):
    return f"{title_of(taken, classes)}; true: {shown(classes[true.label])} {true.probabilities[true.label]:.1%}"


def tile_of_mistake(taken, true, classes):
    """A mistake: the evidence for the class that the video was taken for, and beside it for the true one."""
    title = title_of_mistake(taken, true, classes)
    both = [taken.evidence, true.evidence]
    return overlay.tile(taken.clip, both, title, [names_of(each, classes) for each in (taken, true)])


class Means:
    """The mean clip and the mean evidence of the videos of each class, without keeping the videos."""

    def __init__(self):
        self.sums = {}  # {label: [number of videos, sum of clips, sum of evidence, the first Explained]}

    def add(self, item):
        number, clips, evidence, first = self.sums.get(item.label, (0, 0.0, 0.0, item))
        self.sums[item.label] = number + 1, clips + item.clip.astype(np.float32), evidence + item.evidence, first

    def tiles(self, classes):
        """{label: picture} of the classes with several videos."""
        tiles = {}
        for label, (number, clips, evidence, first) in self.sums.items():
            if number > 1:
                title = f"{shown(classes[label])}: mean of {number} videos"
                clip = np.rint(clips / number).astype(np.uint8)
                tiles[label] = overlay.tile(clip, [evidence / number], title, [names_of(first, classes)])
        return tiles
