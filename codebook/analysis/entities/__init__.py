"""Entity resolution: which names stand for the same person, country, paper.

    names          normalise_form, entity_id, plain_names, FormRules
    pairs          candidate_pairs, score_pairs, fit_pairs, combine_scores
    thresholds     pair_curve, choose_threshold, chosen_figures, plot_pair_curve
    entities       resolve_entities, review_table
    a coder's say  grey_pairs, apply_adjudication
    how good       evaluate_clusters, evaluate_links, split_entities

Frames and arrays go in and come out. Vectors are an argument: whoever made them, one a row. Nothing here knows a name
of a country or a person; a doubtful mention is merged with nothing and goes to a person.
"""

from codebook.analysis.entities.blocking import candidate_pairs
from codebook.analysis.entities.combine import PairModel, combine_scores, fit_pairs
from codebook.analysis.entities.curve import choose_threshold, chosen_figures, pair_curve, plot_pair_curve
from codebook.analysis.entities.evaluation import evaluate_clusters, evaluate_links
from codebook.analysis.entities.forms import FormRules, entity_id, normalise_form, plain_names
from codebook.analysis.entities.resolve import resolve_entities
from codebook.analysis.entities.review import apply_adjudication, grey_pairs, review_table
from codebook.analysis.entities.scores import score_pairs
from codebook.analysis.entities.truth import split_entities

__all__ = [
    "FormRules",
    "PairModel",
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
    "normalise_form",
    "pair_curve",
    "plain_names",
    "plot_pair_curve",
    "resolve_entities",
    "review_table",
    "score_pairs",
    "split_entities",
]
