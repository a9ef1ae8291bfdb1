"""HTTP in front of the topics: applications in, decisions out, and the champion's answers to other values."""
