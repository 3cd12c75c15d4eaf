"""Train 3D CNNs on action videos, and see what they learned: the code that the scripts share."""

__version__ = "1.0.0.dev0"
