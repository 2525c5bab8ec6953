"""Runs whose answers are vectors: packed, sent, kept."""
