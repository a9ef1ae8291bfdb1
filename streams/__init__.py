"""The scoring worker, and how this system speaks Kafka."""
