"""Figures from a model's labels, corrected by a gold sample drawn with known probabilities.

    pair_with_gold   tidy table + gold sample -> one row a unit: predicted, gold, prob
    correct          a regression with the label as outcome, covariate or both: linear, logistic, Poisson
    prevalence       the share of each label
    say_correction   the finding and its warning in words
    simulate_studies, summarise_studies, plot_studies   how often each way reports an effect that is not there

Every figure comes three times: model labels only, gold only, corrected. A unit's inclusion probability is the column
`prob` of the gold sample (`draw_gold`, `read_gold_sample`), joined on unit_id; no function needs to be told it again.
"""

from codebook.analysis.correction.pairing import pair_with_gold
from codebook.analysis.correction.regression import correct
from codebook.analysis.correction.sentences import NOTE, SOURCES, say_correction
from codebook.analysis.correction.shares import prevalence
from codebook.analysis.correction.simulation import make_study, simulate_studies, summarise_studies
from codebook.analysis.correction.study_figures import plot_studies

__all__ = [
    "NOTE",
    "SOURCES",
    "correct",
    "make_study",
    "pair_with_gold",
    "plot_studies",
    "prevalence",
    "say_correction",
    "simulate_studies",
    "summarise_studies",
]
