"""Avro schemas of strangers: which may be read by, and how their values become ours. Pure."""
