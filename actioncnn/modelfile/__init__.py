"""Saved models: files out and in."""
