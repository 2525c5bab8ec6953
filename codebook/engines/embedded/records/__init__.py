"""Topics and entities found in texts, on this machine."""
