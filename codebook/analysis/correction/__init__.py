"""Figures from a model's labels, corrected by a gold sample drawn with known probabilities.

    prevalence         the share of each label
    correct            a regression with the label as outcome, covariate or both: linear, logistic, Poisson
    changed_findings   a share or a coefficient by two sets of labels of the same units, and the difference
    plan_correction    how many gold units it takes to find an effect of some size
    pair_with_gold     codings and gold sample -> one row per unit: predicted, gold, prob
    simulate_studies   how often each way reports an effect that is not there

In come codings with gold and sample; out goes a `Result` with every figure three times: model labels only, gold only,
corrected. Open `shares.py` first. A regression on a frame with one row per unit names its columns in `LabelColumns`,
and `add_chances` joins the probabilities of a sample to it.
"""

from typing import TYPE_CHECKING

from codebook.ground.lazy_rooms import lazy_names

if TYPE_CHECKING:
    from codebook.analysis.correction.finding_changes import changed_findings
    from codebook.analysis.correction.gold_power import plan_correction
    from codebook.analysis.correction.inputs import LabelColumns, add_chances
    from codebook.analysis.correction.pairing import pair_with_gold
    from codebook.analysis.correction.regression import Fitting, correct
    from codebook.analysis.correction.sentences import NOTE, SOURCES
    from codebook.analysis.correction.shares import prevalence
    from codebook.analysis.correction.simulation import make_study, rate_ways, simulate_studies
else:
    __getattr__, __dir__ = lazy_names(__name__)

__all__ = [
    "NOTE",
    "SOURCES",
    "Fitting",
    "LabelColumns",
    "add_chances",
    "changed_findings",
    "correct",
    "make_study",
    "pair_with_gold",
    "plan_correction",
    "prevalence",
    "rate_ways",
    "simulate_studies",
]
