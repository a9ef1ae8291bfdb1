"""Real Kafka, a real registry and MLflow on a machine that has only Python."""
