"""Visits of the desk: how they begin and end, and the signed cookies that carry them."""
