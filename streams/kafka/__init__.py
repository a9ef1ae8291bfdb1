"""Reading from and writing to Kafka: the only place that configures a client."""
