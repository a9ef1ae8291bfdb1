"""The page Drift: figures over time, from reports; the same for the desk, for files and as JSON."""
