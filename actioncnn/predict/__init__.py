"""Saved models on videos and cameras."""
