"""Pages of documents read to text, on this machine."""
