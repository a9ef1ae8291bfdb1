"""Commands on drift and performance, of the topics and of files."""
