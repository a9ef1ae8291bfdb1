"""Applications onto their topic, and their decisions back to whoever waits."""
