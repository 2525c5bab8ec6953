"""What vectors of texts say: which are near one another, which groups they form, and a map of them.

In come vectors of texts as `embed_texts` returns them, or a plain array, `(n_rows, n_dimensions)`, a memory-mapped one
too: it is gone through in blocks, and nearness is the cosine. Out comes a `Result`. Open `neighbours.py` first,
then `vector_clusters.py` for groups and `maps.py` for a map.
"""

from typing import TYPE_CHECKING

from codebook.ground.lazy_rooms import lazy_names

if TYPE_CHECKING:
    from codebook.analysis.vectors.maps import map_vectors
    from codebook.analysis.vectors.neighbours import MOST_EXACT, near_duplicates, nearest
    from codebook.analysis.vectors.vector_clusters import cluster_groups, cluster_vectors, neighbour_agreement
else:
    __getattr__, __dir__ = lazy_names(__name__)

__all__ = [
    "MOST_EXACT",
    "cluster_groups",
    "cluster_vectors",
    "map_vectors",
    "near_duplicates",
    "nearest",
    "neighbour_agreement",
]
