"""Datasets: a directory of videos, the store of their clips, splits, batches; the demo."""
