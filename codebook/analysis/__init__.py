"""What the labels say: from codings to a figure with its interval, a sentence and a table.

In come `Codings` or a plain frame; out comes a `Result`. None needs a model, a run or the network, and only draw 0 is
read unless another is asked for. What cannot be computed is refused with a `StatisticError` that lists all faults of
the codings and of the request. Open `core/codings.py` first, then the file of your question.

| question | file |
|---|---|
| do coders agree with each other? by how much, in which labels? | `reliability/agreement_tables.py` |
| ... by alpha? by kappa and its kin? in percent? | `reliability/krippendorff.py`, `.../kappa.py`, `.../percent.py` |
| does a coder give the labels of the gold? do errors differ by group? | `against_gold/validity_tables.py` |
| ... on one label, on sets, in order? | `reliability/kappa.py`, `.../krippendorff.py`, `.../rating_coefficients.py` |
| do coders give the labels equally often? | `reliability/marginal_tests.py` |
| how many coders, and how many units? | `reliability/coder_plans.py` |
| do coders mark the same spans? | `reliability/unitizing.py` |
| do they agree more than others? after a changed codebook? | `reliability/agreement_difference.py` |
| which label was taken for which? | `against_gold/confusion_counts.py` |
| is one coder better than another? | `against_gold/coder_comparison.py` |
| does a stated probability hold? does it tell right from wrong? | `.../confidence_bins.py`, `.../score_curves.py` |
| which labels may a model give? which units must people code? | `.../label_verdicts.py`, `.../selective_coding.py` |
| how far are ratings and numbers apart? | `ratings/rating_pairs.py`, `.../bland_altman.py`, `.../intraclass.py` |
| are spans found, documents transcribed well? | `against_gold/spans.py`, `against_gold/transcript_errors.py` |
| may a model take the place of a person? | `robustness/alternative_annotator.py` |
| would the labels be the same again? | `robustness/label_stability.py` |
| how much of the variance is by model, prompt, draw? | `robustness/variance_components.py` |
| does a finding hang on a choice of model or prompt? | `robustness/specification_curve.py` |
| did suggestions pull the labels of people? | `robustness/suggestion_pull.py` |
| does a coder follow the codebook at all? | `robustness/probe_scores.py` |
| are published figures found again? | `robustness/published_figures.py` |
| which labels, coders, variables go together? | `association/pair_tables.py`, `association/contrasts.py` |
| one label per unit from many coders? | `joining/consensus_labels.py` |
| where do coders disagree, and what did a person decide? | `joining/disagreement.py`, `joining/adjudication.py` |
| how common is a label, in truth? does an effect hold? | `correction/shares.py`, `correction/regression.py` |
| how much gold does an effect need? | `correction/gold_power.py` |
| which names are the same person or country? | `entities/resolution.py` |
| what is near what, which groups, a map? | `vectors/neighbours.py`, `vectors/vector_clusters.py`, `vectors/maps.py` |
"""

from typing import TYPE_CHECKING

from codebook.ground.lazy_rooms import lazy_names

if TYPE_CHECKING:
    from codebook.analysis.against_gold.coder_comparison import compare
    from codebook.analysis.against_gold.confidence_bins import calibration
    from codebook.analysis.against_gold.confusion_counts import confusion
    from codebook.analysis.against_gold.label_verdicts import verdicts
    from codebook.analysis.against_gold.score_curves import roc_curves
    from codebook.analysis.against_gold.selective_coding import selective_labels
    from codebook.analysis.against_gold.spans import capital_runs, span_validity
    from codebook.analysis.against_gold.transcript_errors import character_error_rate, transcript_accuracy, word_recall
    from codebook.analysis.against_gold.validity_tables import validity
    from codebook.analysis.association.contrasts import compare_association
    from codebook.analysis.association.indicators import label_indicators, open_labels
    from codebook.analysis.association.pair_statistics import tetrachoric
    from codebook.analysis.association.pair_tables import correlogram
    from codebook.analysis.core.codings import Codings
    from codebook.analysis.core.correlograms import PairMeasure, cluster_order, plot_correlogram, to_matrix
    from codebook.analysis.core.estimates import Bootstrap
    from codebook.analysis.core.forest import plot_estimates
    from codebook.analysis.core.matrix_drawing import plot_grid
    from codebook.analysis.core.plain_frames import read_counts
    from codebook.analysis.core.result import Result
    from codebook.analysis.core.runs import describe_runs
    from codebook.analysis.core.scales import LEVELS, SET_LEVELS, VariableLike, VariableSpec
    from codebook.analysis.correction import (
        correct,
        make_study,
        pair_with_gold,
        plan_correction,
        prevalence,
        simulate_studies,
    )
    from codebook.analysis.ratings.bland_altman import limits_of_agreement
    from codebook.analysis.reliability.agreement_difference import compare_agreement, norming
    from codebook.analysis.reliability.agreement_rows import BOUNDS
    from codebook.analysis.reliability.coder_plans import CoderPlan, plan_coders
    from codebook.analysis.reliability.coefficients import COEFFICIENTS
    from codebook.analysis.reliability.marginal_tests import compare_shares
    from codebook.analysis.reliability.percent import DEFINITIONS
    from codebook.analysis.reliability.unitizing import span_agreement
    from codebook.analysis.robustness.alternative_annotator import alt_test
    from codebook.analysis.robustness.label_stability import stability
    from codebook.analysis.robustness.probe_scores import behaviour
    from codebook.analysis.robustness.published_figures import beside_published
    from codebook.analysis.robustness.specification_curve import gap_in_means, specifications, summarise_specifications
    from codebook.analysis.robustness.specification_drawing import plot_specifications
    from codebook.analysis.robustness.suggestion_pull import suggestion_report
    from codebook.analysis.robustness.variance_components import generalizability
    from codebook.ground.quantities import format_figure
else:
    __getattr__, __dir__ = lazy_names(__name__)

__all__ = [
    "BOUNDS",
    "COEFFICIENTS",
    "DEFINITIONS",
    "LEVELS",
    "SET_LEVELS",
    "Bootstrap",
    "CoderPlan",
    "Codings",
    "PairMeasure",
    "Result",
    "VariableLike",
    "VariableSpec",
    "alt_test",
    "behaviour",
    "beside_published",
    "calibration",
    "capital_runs",
    "character_error_rate",
    "cluster_order",
    "compare",
    "compare_agreement",
    "compare_association",
    "compare_shares",
    "confusion",
    "correct",
    "correlogram",
    "describe_runs",
    "format_figure",
    "gap_in_means",
    "generalizability",
    "label_indicators",
    "limits_of_agreement",
    "make_study",
    "norming",
    "open_labels",
    "pair_with_gold",
    "plan_coders",
    "plan_correction",
    "plot_correlogram",
    "plot_estimates",
    "plot_grid",
    "plot_specifications",
    "prevalence",
    "read_counts",
    "roc_curves",
    "selective_labels",
    "simulate_studies",
    "span_agreement",
    "span_validity",
    "specifications",
    "stability",
    "suggestion_report",
    "summarise_specifications",
    "tetrachoric",
    "to_matrix",
    "transcript_accuracy",
    "validity",
    "verdicts",
    "word_recall",
]
