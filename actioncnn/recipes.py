"""How each network is trained, as data: the scripts' defaults, measured by benchmarks/accuracy.py on unseen groups."""

from dataclasses import asdict, dataclass

from actioncnn.batches import Augment


@dataclass(frozen=True)
class Recipe:
    """AdamW (Loshchilov 2019) with linear warm-up and cosine decay (Loshchilov 2017)."""

    learning_rate: float = 1e-3  # its peak
    warmup: float = 0.1  # share of all steps
    final: float = 0.0  # share of the peak that is left at the end; 1: constant
    weight_decay: float = 0.01
    augment: Augment = Augment()  # noqa: RUF009 - immutable

    def as_dict(self):
        return asdict(self) | {"augment": self.augment._asdict()}


AUGMENT = Augment(scale=0.5, jitter=True, light=0.3, smoothing=0.1)
CNN2D = CNN3D = Recipe(augment=AUGMENT)
MY_MODEL = Recipe(learning_rate=2e-3, augment=AUGMENT)
