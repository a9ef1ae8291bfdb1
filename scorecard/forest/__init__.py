"""A forest of plain arrays, and the exact Shapley values of its margins."""
