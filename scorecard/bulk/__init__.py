"""Scoring of whole tables: pure functions over Arrow batches, and the engines that spread them over processes."""
