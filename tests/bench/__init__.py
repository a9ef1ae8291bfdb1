"""Measurements, in ratios of one run on one machine. Slow, and no part of the tests."""
