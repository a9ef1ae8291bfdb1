"""Files of applicants judged as windows: parts of a file, their scores, their reports."""
