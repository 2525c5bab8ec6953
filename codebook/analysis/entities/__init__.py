"""Entity resolution: which names stand for the same person, country, paper.

In come `Names` (mentions, a list of entities, vectors, the truth where it is known); out comes a `Resolution`: entities
with ids, the threshold, precision and recall, and the names that a person must decide, each as a `Result`. Open
`resolution.py` first: it calls the steps in their order.

| question | file |
|---|---|
| which names, and how are they made alike? | `name_lists.py`, `forms.py` |
| which pairs are looked at? | `blocking.py` |
| how alike are two names? | `scores.py`, `shared_words.py`, `combine.py` |
| from which score on are they one? | `curve.py`, `truth.py` |
| who is whom? | `mention_links.py`; `linking.py` (with a list), `grouping.py` and `clusters.py` (without) |
| how good is it? | `evaluation.py` |
| what does a person decide? | `review.py` |

Nothing here knows a name of a country or a person; a doubtful mention is merged with nothing and goes to a person.
"""

from typing import TYPE_CHECKING

from codebook.ground.lazy_rooms import lazy_names

if TYPE_CHECKING:
    from codebook.analysis.entities.blocking import Blocking, candidate_pairs
    from codebook.analysis.entities.combine import PairModel, combine_scores, fit_pairs
    from codebook.analysis.entities.curve import choose_threshold, chosen_figures, pair_curve
    from codebook.analysis.entities.evaluation import evaluate_clusters, evaluate_links
    from codebook.analysis.entities.forms import FormRules, entity_id, normalise_form, plain_names
    from codebook.analysis.entities.mention_links import LinkRules, link_mentions
    from codebook.analysis.entities.name_lists import Names
    from codebook.analysis.entities.resolution import Resolution, resolve_entities
    from codebook.analysis.entities.review import apply_adjudication, grey_pairs, review_table
    from codebook.analysis.entities.scores import score_pairs
    from codebook.analysis.entities.truth import split_entities
else:
    __getattr__, __dir__ = lazy_names(__name__)

__all__ = [
    "Blocking",
    "FormRules",
    "LinkRules",
    "Names",
    "PairModel",
    "Resolution",
    "apply_adjudication",
    "candidate_pairs",
    "choose_threshold",
    "chosen_figures",
    "combine_scores",
    "entity_id",
    "evaluate_clusters",
    "evaluate_links",
    "fit_pairs",
    "grey_pairs",
    "link_mentions",
    "normalise_form",
    "pair_curve",
    "plain_names",
    "resolve_entities",
    "review_table",
    "score_pairs",
    "split_entities",
]
