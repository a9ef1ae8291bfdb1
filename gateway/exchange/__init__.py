"""Publishes applications, and returns their decisions to the waiting callers."""
