"""Records become rows, in one transaction with the offsets."""
