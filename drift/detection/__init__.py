"""A window against the reference: statistics, verdict, report."""
