"""Planning a run: units and codebook become shards and claims; what may go wrong is said before anything is paid."""
