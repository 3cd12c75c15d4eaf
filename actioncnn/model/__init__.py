"""Saved models, our own and those of others: files in and out, what they take and what they give."""
