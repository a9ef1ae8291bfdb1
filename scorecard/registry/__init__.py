"""Registered scorecards: MLflow, and a cache of bundles by digest."""
