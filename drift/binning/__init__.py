"""Records as places in the bins of the champion's reference."""
