"""A research kit for coding texts with people and language models.

codebook + units -> requests -> shards -> jobs -> results -> table -> analysis -> report

The names below are all a notebook needs; each is loaded when it is first used, so importing the kit is quick.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from types import FunctionType
from typing import Any

_WHERE = {
    "scheme": (
        "describe_variables",
        "read_codebook",
        "read_label_list",
        "render_markdown",
        "write_codebook",
        "diff_codebooks",
    ),
    "units": ("open_units", "read_units", "read_documents", "read_images", "check_units", "group_units", "iter_units"),
    "tasks": (
        "behaviour_probes",
        "probe_units",
        "reverse_categories",
        "show_question",
    ),
    "run": (
        "adopt",
        "ask_now",
        "label",
        "embed_texts",
        "store_vectors",
        "draw_examples",
        "try_examples",
        "preflight",
        "plan",
        "rehearse_plan",
        "cancel_run",
        "discard_run",
        "open_run",
        "list_runs",
        "erase_unit",
        "estimate_whole",
        "wait",
        "list_jobs",
        "summarise_runs",
        "list_errors",
        "cost_history",
    ),
    "codings": (
        "count_labels",
        "count_quotes",
        "coverage",
        "coverage_sentence",
        "merge_tables",
        "open_records",
        "read_coders",
        "read_codings",
        "read_error_rates",
        "read_names",
        "read_record_codings",
        "read_table",
        "read_texts",
        "show_table",
        "to_wide",
        "units_table",
        "write_database",
        "write_table",
        "write_wide",
    ),
    "analysis": (
        "Bootstrap",
        "Codings",
        "behaviour",
        "alt_test",
        "gap_in_means",
        "stability",
        "specifications",
        "calibration",
        "capital_runs",
        "compare_association",
        "compare",
        "confusion",
        "correct",
        "correlogram",
        "pair_with_gold",
        "prevalence",
        "simulate_studies",
        "span_validity",
        "to_matrix",
        "transcript_accuracy",
        "validity",
    ),
    "analysis.entities": ("resolve_entities",),
    "analysis.joining": (
        "consensus",
        "disagreements",
        "write_adjudication",
        "read_adjudication",
        "fill_decisions",
        "adjudicate",
    ),
    "analysis.reliability": ("reliability", "label_shares"),
    "report": (
        "checklist",
        "list_outputs",
        "methods_paragraph",
        "save_figure",
        "save_table",
        "show_images",
        "show_page",
        "show_spans",
        "write_report",
    ),
    "sampling": (
        "draw_gold",
        "gold_curve",
        "gold_size",
        "list_strata",
        "DrawRule",
        "GoldPlan",
        "read_gold_sample",
        "take_part",
        "write_gold_sample",
    ),
    "vectors": ("Vectors", "VectorStore"),
    "vectors.export": ("export_qdrant", "export_weaviate"),
    "widgets": ("show_dashboard", "show_status"),
    "execute": ("run_notebook", "run_study"),
    "paths": ("project_folder", "resolve_path"),
}
_MODULE_OF = {name: module for module, names in _WHERE.items() for name in names}

__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return _read_version()
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'codebook' has no attribute {name!r}; it offers {', '.join(__all__)}")
    value = getattr(import_module(f"codebook.{_MODULE_OF[name]}"), name)
    return _in_words(value) if isinstance(value, FunctionType) else value


@cache
def _read_version() -> str:
    """The version that is installed; what finds it takes longer to load than all else here."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("codebook-kit")
    except PackageNotFoundError:  # a copy of the source that was never installed
        return "0+unknown"


@cache
def _in_words(verb: FunctionType) -> Any:
    """A verb that says in words what the machine did not let it do, such as to write to a full disk."""
    from codebook.ground.machine import in_words

    return in_words(verb)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
