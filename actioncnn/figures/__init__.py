"""Matplotlib figures, filmstrips, text on pixels, the preview of a dataset."""
