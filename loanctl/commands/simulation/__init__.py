"""Commands that make up applicants and play them."""
