"""The trainer's process: retrain commands in, results out."""
