"""Answers of a run: fetched, judged line by line, and read back as the tidy table."""
