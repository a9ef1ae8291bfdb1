"""Fairness between groups of applicants: figures with tests, proxies, the less discriminatory of equal trials."""
