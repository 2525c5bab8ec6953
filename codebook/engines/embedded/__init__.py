"""The embedded engine: answers on the CPU, from models that come inside packages, without key and network.

In come request lines, out go result lines, or status 400 with the reason. Open `engine.py` first: labels of texts,
and who answers the rest (`pages/`, `photos/`, `records/`).
"""

from codebook.engines.embedded.engine import MODEL, EmbeddedEngine

__all__ = ["MODEL", "EmbeddedEngine"]
