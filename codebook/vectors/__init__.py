"""Vectors of texts on disk: a memory-mapped array a model, and which row belongs to which text.

In come vectors with the keys of their texts; out go those of some texts in their order. Open `store.py` first
(`VectorStore`), then `ordered_vectors.py` (`Vectors`); `codebook.vectors.export` hands them to vector databases.
"""

from codebook.vectors.ordered_vectors import Vectors
from codebook.vectors.store import VectorStore, key_of, store_name

__all__ = ["VectorStore", "Vectors", "key_of", "store_name"]
