"""What the topics say, for people."""
