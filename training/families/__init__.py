"""Model families: fit, compile to plain arrays, prove parity."""
