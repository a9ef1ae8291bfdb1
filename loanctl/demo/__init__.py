"""The whole story on real Kafka: its phases, its processes, what it shows, and what it proves."""
