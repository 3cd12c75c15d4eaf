"""How each network is trained, as data: the scripts' defaults, measured by benchmarks/accuracy.py on unseen groups."""

from dataclasses import asdict, dataclass

from actioncnn.batches import Augment


@dataclass(frozen=True)
class Recipe:
    """Adam (Kingma 2015) with cosine decay of its learning rate (Loshchilov 2017)."""

    learning_rate: float = 1e-3  # at the start
    final: float = 0.0  # share of it that is left at the end; 1: constant
    augment: Augment = Augment()  # noqa: RUF009 - immutable

    def as_dict(self):
        return asdict(self) | {"augment": self.augment._asdict()}


AUGMENT = Augment(scale=0.5, light=0.3)
CNN2D = CNN3D = Recipe(augment=AUGMENT)
MY_MODEL = Recipe(learning_rate=2e-3, augment=AUGMENT)
