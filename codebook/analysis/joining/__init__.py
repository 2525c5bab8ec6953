"""How do many codings become one?

In come `Codings`, or a plain frame; out come `Result`s, and `JoinedLabels`: codings with one coder more. Open
`consensus_labels.py` first. The errors of coders by Dawid-Skene are in `dawid_skene.py`, what decisions say of
definitions and coders in `definition_disputes.py`.
"""

from typing import TYPE_CHECKING

from codebook.ground.lazy_rooms import lazy_names

if TYPE_CHECKING:
    from codebook.analysis.joining.adjudication import adjudicate, fill_decisions, read_adjudication, write_adjudication
    from codebook.analysis.joining.consensus_labels import consensus
    from codebook.analysis.joining.definition_disputes import disputed_definitions, sides_won
    from codebook.analysis.joining.disagreement import disagreements
    from codebook.analysis.joining.joined import JoinedLabels
else:
    __getattr__, __dir__ = lazy_names(__name__)

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
