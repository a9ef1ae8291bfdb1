"""The whole story on real Kafka: its acts, its crew, what it shows, and what it proves."""
