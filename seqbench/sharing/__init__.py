"""Sharing results: archives of a results folder, merging them, and training cells of them again."""
