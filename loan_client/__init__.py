"""A typed client of the gateway, for systems without Kafka. Needs Python 3.11 or later, and nothing else."""
