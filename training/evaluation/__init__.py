"""Calibration, cut-offs, figures, segments, baseline."""
