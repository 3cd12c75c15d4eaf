"""The folder of a training run: the one reader and the one writer of what is in it."""
