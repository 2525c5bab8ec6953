"""How do many codings become one?

In come `Codings`, or a plain frame; out come `Result`s, and `JoinedLabels`: codings with one coder more. Open
`consensus_labels.py` first.

| question | file |
|---|---|
| which label has the majority, which is the likeliest? | `consensus_labels.py`, `dawid_skene.py` |
| where do coders disagree, and over which labels? | `disagreement.py` |
| what did a person decide? who was right? | `adjudication.py`, `decided_sides.py` |
| which definition do disputed units speak against? | `definition_disputes.py` |
"""

from codebook.analysis.joining.adjudication import (
    adjudicate,
    fill_decisions,
    read_adjudication,
    write_adjudication,
)
from codebook.analysis.joining.consensus_labels import consensus
from codebook.analysis.joining.decided_sides import sides_won
from codebook.analysis.joining.definition_disputes import disputed_definitions
from codebook.analysis.joining.disagreement import disagreements
from codebook.analysis.joining.joined import JoinedLabels

__all__ = [
    "JoinedLabels",
    "adjudicate",
    "consensus",
    "disagreements",
    "disputed_definitions",
    "fill_decisions",
    "read_adjudication",
    "sides_won",
    "write_adjudication",
]
