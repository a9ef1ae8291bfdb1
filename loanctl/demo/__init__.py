"""The whole story on real Kafka: its acts, its demo_processes, what it shows, and what it proves."""
