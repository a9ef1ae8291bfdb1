"""Labelled rows: tables, events, cleaning, split."""
