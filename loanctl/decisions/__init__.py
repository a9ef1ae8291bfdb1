"""Decisions on request: one application, a file of them, the latest ones."""
