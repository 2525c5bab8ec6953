"""What vectors of texts say: which are near one another, which groups they form, and a map of them.

In come vectors of texts as `embed_texts` returns them, or a plain array, `(n_rows, n_dimensions)`, a memory-mapped one
too: it is gone through in blocks, and nearness is the cosine. Out comes a `Result`. Open `neighbours.py` first.

| question | file |
|---|---|
| what is near this, what is nearly the same? | `neighbours.py`: `nearest`, `near_duplicates` |
| are neighbours alike in what people say of them? | `shared_neighbours.py`: `neighbour_agreement` |
| which groups do they form? | `vector_clusters.py`: `cluster_vectors`, `cluster_groups` |
| where do they lie? | `maps.py`: `map_vectors` |
"""

from codebook.analysis.vectors.maps import map_vectors
from codebook.analysis.vectors.neighbours import MOST_EXACT, near_duplicates, nearest
from codebook.analysis.vectors.shared_neighbours import neighbour_agreement
from codebook.analysis.vectors.vector_clusters import cluster_groups, cluster_vectors

__all__ = [
    "MOST_EXACT",
    "cluster_groups",
    "cluster_vectors",
    "map_vectors",
    "near_duplicates",
    "nearest",
    "neighbour_agreement",
]
