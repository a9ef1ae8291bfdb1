"""What happens on the topics now, kept in memory for the page Live."""
