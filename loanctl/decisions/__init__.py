"""Decisions for whoever asks: one application, a file of them, the latest ones."""
