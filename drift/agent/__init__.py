"""The drift agent: everything that reads from or writes to Kafka."""
