"""Processes that are measured against the worker."""
