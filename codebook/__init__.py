"""A research kit for coding texts, images and documents with people and language models.

    study + codebook + units -> requests -> shards -> jobs -> results -> codings -> result -> report

The flow, with the names of this menu:

    book = cb.read_codebook("codebook.yaml")                 # the instrument
    units = cb.read_units("texts.csv", id_column="id", text_column="text")
    run = cb.plan(book, units, run="mine")                   # written, nothing sent
    run.submit()                                             # sent; paid once, however often it is repeated
    run.collect()                                            # now, or days later
    codings = run.codings("coders.yaml")                     # labels of models and people: one object goes in
    cb.reliability(codings, by="group").save()               # one object comes out: it shows and saves itself
    cb.write_report("mine")

Each name is loaded when it is first used, so importing the kit is quick. What a study needs more seldom stands in its
room, whose docstring says what is in it: `cb.entities`, `cb.sampling`, `cb.vectors`, `cb.analysis` and the others.
"""

from __future__ import annotations

from functools import cache
from types import FunctionType
from typing import TYPE_CHECKING, Any

from codebook.ground.lazy_rooms import lazy_names
from codebook.ground.moved_names import say_moved

# ruff: noqa: F401, I001
if TYPE_CHECKING:  # for mypy and editors, and read by `lazy_names`
    from codebook import analysis, coding, codings, deposit, exchange, execute, outputs, paths, report, run, sampling
    from codebook import scaffold, scheme, study, tasks, units, vectors, widgets
    from codebook.analysis import entities

    # the study, the instrument, and the material
    from codebook.study import open_study
    from codebook.scheme import read_codebook
    from codebook.tasks import show_question
    from codebook.units import read_units, read_documents, read_images, open_units, check_units

    # asking, and what was asked
    from codebook.run import plan, preflight, label, embed_texts, wait, open_run, list_runs
    from codebook.run import adopt, discard_run, erase_unit, list_jobs, cost_history

    # labels, whoever gave them
    from codebook.analysis import Codings
    from codebook.codings import read_codings, read_coders, read_table, write_table, show_table, coverage

    # do coders agree, and which label is it?
    from codebook.analysis.reliability import reliability, label_shares
    from codebook.analysis.joining import consensus, disagreements, adjudicate

    # is it right, and may it stand in for a person?
    from codebook.sampling import draw_gold, gold_size
    from codebook.analysis import validity, confusion, compare, calibration, span_validity, transcript_accuracy
    from codebook.analysis import alt_test, behaviour, stability, specifications

    # what it says
    from codebook.analysis import correlogram, prevalence, correct
    from codebook.analysis.entities import resolve_entities

    # how it is shown, saved and run again
    from codebook.analysis import Bootstrap, Result
    from codebook.report import write_report, checklist, methods_paragraph
    from codebook.widgets import show_status
    from codebook.execute import run_study
else:

    def __getattr__(name: str) -> Any:
        if name == "__version__":
            return _read_version()
        value = _load(name)
        return _in_words(value) if isinstance(value, FunctionType) else value

    def __dir__() -> list[str]:
        return [*__all__, "__version__"]


__all__ = [
    "Bootstrap",
    "Codings",
    "Result",
    "adjudicate",
    "adopt",
    "alt_test",
    "behaviour",
    "calibration",
    "check_units",
    "checklist",
    "compare",
    "confusion",
    "consensus",
    "correct",
    "correlogram",
    "cost_history",
    "coverage",
    "disagreements",
    "discard_run",
    "draw_gold",
    "embed_texts",
    "erase_unit",
    "gold_size",
    "label",
    "label_shares",
    "list_jobs",
    "list_runs",
    "methods_paragraph",
    "open_run",
    "open_study",
    "open_units",
    "plan",
    "preflight",
    "prevalence",
    "read_codebook",
    "read_coders",
    "read_codings",
    "read_documents",
    "read_images",
    "read_table",
    "read_units",
    "reliability",
    "resolve_entities",
    "run_study",
    "show_question",
    "show_status",
    "show_table",
    "span_validity",
    "specifications",
    "stability",
    "transcript_accuracy",
    "validity",
    "wait",
    "write_report",
    "write_table",
]


def _say_place(name: str) -> str:
    """Where a name stands that is not on the menu; of a stranger, what is on the menu."""
    rooms = [] if name.startswith("_") else [each for each in _list_names() if each not in __all__]
    found = [room for room in rooms if name in getattr(_load(room), "__all__", ())]
    return say_moved(name) or (f"write cb.{found[0]}.{name}" if found else f"it offers {', '.join(__all__)}")


_load, _list_names = lazy_names(__name__, _say_place)


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
    """A verb that says in words what it cannot take, and what the machine did not let it do."""
    from codebook.ground.argument_types import with_checked_types
    from codebook.ground.machine import in_words

    return in_words(with_checked_types(verb))
