"""Coders against gold: validity, confusion, calibration, spans and transcripts."""
