"""What goes with what: labels, variables, coders?

In come codings; out come one row per pair, with p values adjusted for their number, or a matrix for a figure. Open
`pair_tables.py` first. The statistics of a pair are in
`pair_statistics.py`, labels as 0/1 columns in `indicators.py`, the figure in `../core/correlograms.py`.
"""
