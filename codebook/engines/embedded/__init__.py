"""The embedded engine: answers on the CPU, from models that come inside packages, without key and network."""

from codebook.engines.embedded.engine import MODEL, EmbeddedEngine

__all__ = ["MODEL", "EmbeddedEngine"]
