"""Photographs labelled, on this machine."""
