"""Captions and pictures: what a training step reads."""
