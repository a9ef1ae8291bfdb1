"""Whether a finding may command a retraining."""
