"""Faults: each breaks one kind of thing for some seconds, and has mended it when it returns."""
