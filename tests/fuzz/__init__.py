"""Fuzzing of what strangers' bytes reach: targets, their corpus, and a run by coverage with atheris (`make fuzz`)."""
