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
from importlib import import_module
from types import FunctionType
from typing import TYPE_CHECKING, Any

# ruff: noqa: F401, I001
if TYPE_CHECKING:  # what mypy and editors know of the rooms and of the menu; a test holds it against them
    from codebook import analysis, coding, codings, deposit, exchange, execute, outputs, paths, report, run, sampling
    from codebook import scaffold, scheme, study, tasks, units, vectors, widgets
    from codebook.analysis import Bootstrap, Codings, Result, alt_test, behaviour, calibration, compare, confusion
    from codebook.analysis import correct, correlogram, entities, prevalence, span_validity, specifications
    from codebook.analysis import stability, transcript_accuracy, validity
    from codebook.analysis.entities import resolve_entities
    from codebook.analysis.joining import adjudicate, consensus, disagreements
    from codebook.analysis.reliability import label_shares, reliability
    from codebook.codings import coverage, read_coders, read_codings, read_table, show_table, write_table
    from codebook.execute import run_study
    from codebook.report import checklist, methods_paragraph, write_report
    from codebook.run import adopt, cost_history, discard_run, embed_texts, erase_unit, label, list_jobs, list_runs
    from codebook.run import open_run, plan, preflight, wait
    from codebook.sampling import draw_gold, gold_size
    from codebook.scheme import read_codebook
    from codebook.study import open_study
    from codebook.tasks import show_question
    from codebook.units import check_units, open_units, read_documents, read_images, read_units
    from codebook.widgets import show_status

_MENU: tuple[tuple[str, tuple[str, ...]], ...] = (
    # the study, the instrument, and the material
    ("study", ("open_study",)),
    ("scheme", ("read_codebook",)),
    ("tasks", ("show_question",)),
    ("units", ("read_units", "read_documents", "read_images", "open_units", "check_units")),
    # asking, and what was asked
    ("run", ("plan", "preflight", "label", "embed_texts", "wait", "open_run", "list_runs")),
    ("run", ("adopt", "discard_run", "erase_unit", "list_jobs", "cost_history")),
    # labels, whoever gave them
    ("analysis", ("Codings",)),
    ("codings", ("read_codings", "read_coders", "read_table", "write_table", "show_table", "coverage")),
    # do coders agree, and which label is it?
    ("analysis.reliability", ("reliability", "label_shares")),
    ("analysis.joining", ("consensus", "disagreements", "adjudicate")),
    # is it right, and may it stand in for a person?
    ("sampling", ("draw_gold", "gold_size")),
    ("analysis", ("validity", "confusion", "compare", "calibration", "span_validity", "transcript_accuracy")),
    ("analysis", ("alt_test", "behaviour", "stability", "specifications")),
    # what it says
    ("analysis", ("correlogram", "prevalence", "correct")),
    ("analysis.entities", ("resolve_entities",)),
    # how it is shown, saved and run again
    ("analysis", ("Bootstrap", "Result")),
    ("report", ("write_report", "checklist", "methods_paragraph")),
    ("widgets", ("show_status",)),
    ("execute", ("run_study",)),
)
_MODULE_OF = {name: module for module, names in _MENU for name in names}

_ROOMS = {"analysis", "codings", "coding", "exchange", "execute", "outputs", "paths", "report", "run", "sampling"}
_ROOMS |= {"deposit", "scaffold", "scheme", "study", "tasks", "units", "vectors", "widgets"}

__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return _read_version()
    if name == "entities":
        return import_module("codebook.analysis.entities")
    if name in _ROOMS:
        return import_module(f"codebook.{name}")
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'codebook' has no attribute {name!r}; {_say_place(name)}")
    value = getattr(import_module(f"codebook.{_MODULE_OF[name]}"), name)
    return _in_words(value) if isinstance(value, FunctionType) else value


def _say_place(name: str) -> str:
    """Where a name stands that is not on the menu; of a stranger, what is on the menu."""
    from codebook.ground.moved_names import say_moved

    rooms = [] if name.startswith("_") else [room for room in sorted(_ROOMS) if _has(room, name)]
    return say_moved(name) or (f"write cb.{rooms[0]}.{name}" if rooms else f"it offers {', '.join(__all__)}")


def _has(room: str, name: str) -> bool:
    return name in getattr(import_module(f"codebook.{room}"), "__all__", ())


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


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
