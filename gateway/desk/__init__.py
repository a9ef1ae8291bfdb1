"""The desk: pages for people, rendered here and complete without a script."""
