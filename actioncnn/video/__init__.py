"""Videos: frames, clips and windows of them."""
