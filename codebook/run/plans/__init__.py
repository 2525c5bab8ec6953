"""Planning a run: what may go wrong is said before anything is paid.

In come a codebook, units and who is asked; out comes the folder of a run with its shards. Open `planning.py` first,
then `replacing.py` (a plan that is made again) and `preflight_checks.py` (a few units live).
"""
