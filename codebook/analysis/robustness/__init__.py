"""Would another run, prompt, model or coder say the same?

In come codings with repeated draws or several runs; out come shares that stay, and the curve of a finding under every
choice. Open `label_stability.py` first.

| question | file |
|---|---|
| are the labels the same again? | `label_stability.py` |
| does a finding hang on a choice? | `specification_curve.py` |
| may a model take the place of a person? | `alternative_annotator.py` |
| does a coder follow the codebook at all? | `probe_scores.py` |
| are published figures reproduced? | `published_figures.py` |
"""
