"""What the labels say: reliability, validity and association, from the tidy table alone.

Every function takes the tidy table (one row a unit x coder x variable x draw) and what the codebook knows of a
variable; none needs a model, a run or the network. Only draw 0 is read unless `draw` is passed.

    reliability   analysis.reliability: reliability, label_shares
    validity      validity, confusion, compare, calibration;
                  span_validity of entities and other spans
    association   correlogram of labels, coders or variables, compare_association; label_indicators, tetrachoric,
                  to_matrix, cluster_order
    stability     stability, unit_consistency, list_flips, describe_runs; specifications, gap_in_means,
                  summarise_specifications; plot_specifications
    alt-test      alt_test, say_alt_test
    behaviour     score_behaviour: does a coder follow the codebook at all?
    consensus     consensus, dawid_skene; rank_disagreements, confused_labels; write_adjudication,
                  read_adjudication, adjudicate
    figures       plot_correlogram, plot_estimates, plot_grid
    vectors       what is near what, groups, a map: see `codebook.analysis.vectors`
    correction    correct, prevalence, pair_with_gold, say_correction; simulate_studies and its figure
    entities      which names are the same person, country, paper: see `codebook.analysis.entities`
    sets          open_labels: a multi-label variable as one yes/no variable a label
"""

from codebook.analysis.against_gold.coder_comparison import compare
from codebook.analysis.against_gold.confidence_bins import calibration
from codebook.analysis.against_gold.confusion_counts import confusion
from codebook.analysis.against_gold.spans import capital_runs, span_validity
from codebook.analysis.against_gold.transcript_errors import (
    character_error_rate,
    transcript_accuracy,
    word_recall,
)
from codebook.analysis.against_gold.validity_tables import validity
from codebook.analysis.association.contrasts import compare_association
from codebook.analysis.association.indicators import label_indicators, open_labels
from codebook.analysis.association.matrices import cluster_order, plot_correlogram, to_matrix
from codebook.analysis.association.pair_tables import correlogram
from codebook.analysis.association.tetrachoric_correlation import tetrachoric
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.drawing import plot_estimates, plot_grid
from codebook.analysis.core.estimates import Bootstrap, Estimate, format_figure
from codebook.analysis.core.runs import describe_runs
from codebook.analysis.core.scales import LEVELS, SET_LEVELS, VariableLike, VariableSpec
from codebook.analysis.correction import (
    correct,
    make_study,
    pair_with_gold,
    plot_studies,
    prevalence,
    say_correction,
    simulate_studies,
    summarise_studies,
)
from codebook.analysis.joining.adjudication import adjudicate, read_adjudication, write_adjudication
from codebook.analysis.joining.consensus_labels import DawidSkene, consensus, dawid_skene, say_consensus
from codebook.analysis.joining.disagreement import confused_labels, rank_disagreements
from codebook.analysis.reliability.agreement_rows import BOUNDS
from codebook.analysis.reliability.coefficients import COEFFICIENTS
from codebook.analysis.reliability.percent import DEFINITIONS
from codebook.analysis.robustness.alternative_annotator import alt_test, say_alt_test
from codebook.analysis.robustness.label_stability import list_flips, stability, unit_consistency
from codebook.analysis.robustness.probe_scores import score_behaviour
from codebook.analysis.robustness.specification_curve import gap_in_means, specifications, summarise_specifications
from codebook.analysis.robustness.stability_figures import plot_specifications

__all__ = [
    "BOUNDS",
    "COEFFICIENTS",
    "DEFINITIONS",
    "LEVELS",
    "SET_LEVELS",
    "Bootstrap",
    "Codings",
    "DawidSkene",
    "Estimate",
    "VariableLike",
    "VariableSpec",
    "adjudicate",
    "alt_test",
    "calibration",
    "capital_runs",
    "character_error_rate",
    "cluster_order",
    "compare",
    "compare_association",
    "confused_labels",
    "confusion",
    "consensus",
    "correct",
    "correlogram",
    "dawid_skene",
    "describe_runs",
    "format_figure",
    "gap_in_means",
    "label_indicators",
    "list_flips",
    "make_study",
    "open_labels",
    "pair_with_gold",
    "plot_correlogram",
    "plot_estimates",
    "plot_grid",
    "plot_specifications",
    "plot_studies",
    "prevalence",
    "rank_disagreements",
    "read_adjudication",
    "say_alt_test",
    "say_consensus",
    "say_correction",
    "score_behaviour",
    "simulate_studies",
    "span_validity",
    "specifications",
    "stability",
    "summarise_specifications",
    "summarise_studies",
    "tetrachoric",
    "to_matrix",
    "transcript_accuracy",
    "unit_consistency",
    "validity",
    "word_recall",
    "write_adjudication",
]
