"""Does a coder give the labels of the gold?

In come codings with a gold coder, and the gold sample where it was drawn with known chances; out come figures by label
and over all, weighted by these chances. Open `validity_tables.py` first.

| question | file |
|---|---|
| precision, recall, F1, accuracy? do errors differ by group? | `validity_tables.py`, `group_errors.py` |
| which label was taken for which? | `confusion_counts.py` |
| is one coder better than another? | `coder_comparison.py` |
| does a stated probability hold? | `confidence_bins.py` |
| are spans found, are documents transcribed well? | `spans.py`, `transcript_errors.py` |

Under them `gold_cells.py` pairs a coder with gold, and `measures.py` reckons on the pairs.
"""
