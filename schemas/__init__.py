"""What is said: Avro schemas, events, topics, the feature contract and its faults."""
