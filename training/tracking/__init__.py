"""A training as MLflow shows it."""
