"""What a frame of a video may take."""

MAX_PIXELS = 1 << 26  # of a frame, 200 MB in colour: 8K is half of it
