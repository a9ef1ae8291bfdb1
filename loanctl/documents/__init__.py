"""Documents of the topics for machines, generated from the schemas, the topic table and the rights. Pure."""
