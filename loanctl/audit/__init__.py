"""Answers for decisions: what they were made of, and whether they come out the same when they are computed again."""
