"""What a run's network saw in its mistakes, for the page of the run."""

import numpy as np

from actioncnn.cli import bar, warn
from actioncnn.errors import UserError
from actioncnn.explain import overlay
from actioncnn.model.model import open_model
from actioncnn.runs.find import find_model

SIDE = 96  # pixels: smaller frames are enlarged to it


def evidence_of(run, clips):
    """Of a runs.run.Run and {row: clip}: {row: [(class name, RGB clip (H, W, T, 3) under its evidence)]}.

    Both classes, the one that a clip was taken for and the true one, are drawn to one scale.
    """
    try:
        model = open_model(find_model(run.folder))
    except UserError as error:
        warn(f"note: the page is without evidence: {error}")
        return {}
    from actioncnn.explain.evidence import find_evidence

    shown = {}
    for row, clip in bar(iterable=clips.items(), desc="evidence", total=len(clips), unit="clip", leave=False):
        names = [name for name in (run.ranked[row][0][0], run.true[row]) if name in model.classes]
        maps = [find_evidence(model, clip, model.classes.index(name)) for name in names]
        most = max(map(overlay.strongest, maps), default=1)
        shown[row] = [(name, under(clip, values, most)) for name, values in zip(names, maps)]
    return shown


def under(clip, values, most):
    """A clip under its evidence (T, H, W), drawn at full strength from `most`: uint8 RGB (H, W, T, 3)."""
    side = max(SIDE, *clip.shape[:2])
    frames = zip(overlay.frames_of(clip), values, strict=True)
    return np.stack([overlay.draw_over(frame, each, most, side) for frame, each in frames], 2)
