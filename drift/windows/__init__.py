"""Event time: watermarks, panes, partial counts, windows."""
