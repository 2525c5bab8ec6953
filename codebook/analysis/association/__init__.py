"""What goes with what: labels, variables, coders?

In come codings; out come one row per pair, with p values adjusted for their number, or a matrix for a figure. Open
`pair_tables.py` first.

| question | file |
|---|---|
| which labels or variables go together, which coders label alike? | `pair_tables.py` |
| do two coders put labels together alike? | `contrasts.py` |
| phi, V, rank correlation; tetrachoric? | `pair_statistics.py` |
| labels as 0/1 columns? | `indicators.py` |
| a matrix of pairs, its order, its figure? | `../core/correlograms.py` |
"""
