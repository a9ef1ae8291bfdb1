"""Commands on decisions: ask, score, audit, replay, dead letters."""
