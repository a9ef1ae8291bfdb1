"""The gate, and what follows from its verdict."""
