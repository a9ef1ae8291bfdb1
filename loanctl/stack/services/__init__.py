"""The services of a local stack, one module each."""
