"""Vectors of texts on disk: a memory-mapped array a model, and which row belongs to which text.

`VectorStore` keeps them, `Vectors` are those of some texts in their order; `codebook.vectors.export` hands them to
vector databases through their own clients.
"""

from codebook.vectors.index import key_of
from codebook.vectors.ordered_vectors import Vectors
from codebook.vectors.store import VectorStore, store_name

__all__ = ["VectorStore", "Vectors", "key_of", "store_name"]
