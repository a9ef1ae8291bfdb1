"""Writing: transactions, delivery, events."""
