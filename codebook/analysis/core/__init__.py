"""What every statistic stands on.

In come codings or a plain frame; out go integer codes and patterns, intervals by bootstrap, and a result. Open
`codings.py` first, then `result.py`: what goes in and what comes out; between them stand `scales.py`, `counts.py`,
`patterns.py` and `estimates.py`.
"""
