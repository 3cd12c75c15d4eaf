"""Datasets: a directory of videos, the cache of their clips, splits, batches; the demo."""
