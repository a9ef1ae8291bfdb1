"""Made-up applicants, played onto the topics."""
