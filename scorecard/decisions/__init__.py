"""Batches of applications to decision records, and back."""
