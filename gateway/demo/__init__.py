"""A public demo: answers without the topics, for visitors that are limited by their address."""
