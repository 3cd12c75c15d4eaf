"""The networks by name, and how each is trained, as data: defaults measured by benchmarks/accuracy.py on unseen groups.

Nothing heavy is imported here, so that a script's `--help` answers at once; networks.py has the layers.
"""

from dataclasses import asdict, dataclass, replace
from typing import NamedTuple

from actioncnn.data.mirroring import turned


class Augment(NamedTuple):
    """How training clips are varied at random; Augment() leaves them as they are."""

    flip: bool = False  # mirror left-right, half of the clips
    crop: tuple[float, float] = (1.0, 1.0)  # least and most side of what is resized to the frame; its edges go on
    frames: bool = False  # draw each from its interval of the video, instead of the first there
    light: float = 0.0  # contrast 1 +- light, brightness +- light * 128


@dataclass(frozen=True)
class Recipe:
    """An optimizer with cosine decay of its learning rate (Loshchilov 2017)."""

    optimizer: str = "adam"  # Kingma 2015; or muon, see optimizer.py
    learning_rate: float = 1e-3  # at the start
    final: float = 0.0  # share of it that is left at the end; 1: constant
    average: float = 0.0  # weights at the end are the mean of those of about this share of all steps (Izmailov 2018)
    augment: Augment = Augment(crop=(0.5, 1.0), light=0.3)  # noqa: RUF009 - immutable

    def as_dict(self):
        return asdict(self) | {"augment": self.augment._asdict()}


# Crops as often smaller as larger than the frame: what is tested has the size of what was trained on (Touvron 2019)
MINE = Recipe("muon", 1e-2, final=0.2, average=0.15, augment=Augment(crop=(0.85, 1.15), light=0.3, frames=True))


class Network(NamedTuple):
    """A network of the suite."""

    name: str  # of its function in networks.py
    script: str  # that trains it
    stem: str  # of its files in --output
    dimensions: int  # 3: takes clips, 2: frames
    recipe: Recipe = Recipe()


BATCHES = (128, 64, 32)  # the first that an epoch has STEPS of, else the last
STEPS = 24

NETWORKS = {
    network.name: network
    for network in (
        Network("cnn3d", "3dcnn", "ucf101_3dcnnmodel", 3),
        Network("cnn2d", "2dcnn", "ucf101cnnmodel", 2),
        Network("residual", "3dcnn-my-model", "ucf101_3dcnnmodel", 3, MINE),
    )
}


def by_script(name):
    return next(network for network in NETWORKS.values() if network.script == name)


def adapt(recipe, options, classes):
    """The network's recipe with what the options and the class names say of it."""
    flip = may_be_mirrored(classes) if options.flip is None else options.flip
    how = recipe.augment._replace(flip=flip) if options.augment else Augment()
    return replace(recipe, augment=how, learning_rate=options.learning_rate or recipe.learning_rate)


def default_batch(count):
    """Batch size for `count` training clips: 128 as in 2017, on small sets less, or an epoch takes too few steps.

    On 150 to 700 clips of three sets 32 is better than 128 by 4 to 9 points (3dcnn-my-model.py by Adam).
    """
    return next((batch for batch in BATCHES if count >= STEPS * batch), BATCHES[-1])


def may_be_mirrored(classes):
    """Whether a mirror leaves clips in their classes, by the names of these."""
    return turned(classes) is None
