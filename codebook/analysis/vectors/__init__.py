"""What vectors of texts say: which are near one another, which groups they form, and a map of them.

Every function takes vectors as an array, `(n_rows, n_dimensions)`, a memory-mapped one too, and goes through it in
blocks; nearness is the cosine. Frames tell in `attrs` how they were made.

    neighbours    nearest, near_duplicates, neighbour_agreement
    groups        cluster_vectors
    map           map_vectors, plot_map
"""

from codebook.analysis.vectors.map_drawing import plot_map
from codebook.analysis.vectors.maps import map_vectors
from codebook.analysis.vectors.neighbours import MOST_EXACT, near_duplicates, nearest
from codebook.analysis.vectors.shared_neighbours import neighbour_agreement
from codebook.analysis.vectors.vector_clusters import cluster_vectors

__all__ = [
    "MOST_EXACT",
    "cluster_vectors",
    "map_vectors",
    "near_duplicates",
    "nearest",
    "neighbour_agreement",
    "plot_map",
]
