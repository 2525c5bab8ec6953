"""Labels for a column of texts in one call, to explore; a run with its ledger stands behind them, as behind all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from codebook.errors import Fault, ParameterError, SchemeError
from codebook.files.lines import digest, dump_canonical
from codebook.records import Unit
from codebook.run.plans.asking import AskingFields, make_asking
from codebook.run.plans.planning import plan
from codebook.scheme import Codebook, read_codebook
from codebook.scheme.codebook_file import find_faults

if TYPE_CHECKING:
    import pandas as pd

QUESTION = "Which of these labels fits the text best?"
"""What is asked where the labels come without a codebook."""


def label(
    texts: pd.Series | Iterable[str],
    codebook: Codebook | Mapping[str, str] | str | Path,
    *,
    run: str = "",
    **asking: Unpack[AskingFields],
) -> pd.DataFrame:
    """Label texts by a codebook: plan, submit and collect in one call.

    Repeating it asks nothing twice: the answers are those of the project's ledger.

    Parameters
    ----------
    texts : Series or iterable of str, shape (n_texts,)
        Empty texts are not asked.
    codebook
        A codebook, its file, or label -> definition for one question on a nominal scale.
    run, asking
        Name of the run, and who answers, as in `plan`: `engine`, `model` and others. The embedded engine answers where
        none is named: offline, and for free.

    Returns
    -------
    DataFrame, shape (n_texts, n_variables + 1)
        A column of labels for each variable, and `why` with the reason where one is missing; the index of `texts`.

    Raises
    ------
    ParameterError
        The index of the texts is not unique, or draws are more than one.
    InputError
        The codebook is faulty, or the service would refuse the requests.
    PendingError
        The engine takes its time: repeat the call later.

    Examples
    --------
    >>> import codebook as cb
    >>> headlines = ["The cup final is lost", "Prices rise again"]
    >>> cb.label(headlines, {"economy": "companies, prices", "sports": "matches, teams"})
         label why
    0   sports
    1  economy
    """
    import pandas as pd

    if isinstance(texts, (str, pd.DataFrame)) or not isinstance(texts, Iterable):
        fault = Fault("texts", f"they are a {type(texts).__name__}", 'pass one column of texts: sheet["text"]')
        raise ParameterError("These texts cannot be labelled.", [fault])
    column = texts if isinstance(texts, pd.Series) else pd.Series(list(texts), dtype=object)
    ids = [str(name) for name in column.index]
    _check(ids, column, asking)
    book = _read_book(codebook)
    units = [Unit(unit_id, _text(text)) for unit_id, text in zip(ids, column, strict=True)]
    planned = plan(book, units, run=run or _name_run(book, units, asking), **asking)
    planned.submit()
    planned.collect()
    table = planned.table()
    wide = table.pivot(index="unit_id", columns="variable", values=["label", "why"]).reindex(ids)
    names = [variable.name for variable in book.variables]
    frame = wide["label"][names].astype(object)
    frame.columns.name = None
    whys = wide["why"][names].apply(lambda row: ", ".join(dict.fromkeys(row.dropna())), axis=1)
    labels: pd.DataFrame = frame.where(frame.notna(), None).assign(why=whys)
    return labels.set_axis(column.index)


def _name_run(book: Codebook, units: list[Unit], asking: AskingFields) -> str:
    """A name for who is asked what of these texts: other texts are another run."""
    who = make_asking(asking)
    parts = [part for unit in units for part in (unit.unit_id, unit.text)]
    return f"{book.name}-{who.engine}-{digest(book.digest, dump_canonical([who.to_record()]), *parts)[:8]}"


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _read_book(codebook: object) -> Codebook:
    """A codebook as it is, out of its file, or of one question whose labels are given."""
    if isinstance(codebook, Codebook):
        return codebook
    if isinstance(codebook, (str, Path)):
        return read_codebook(codebook)
    if not isinstance(codebook, Mapping):
        mend = 'pass label -> definition, such as {"coal": "It is about mining."}, a codebook or its file'
        fault = Fault("codebook", f"it is a {type(codebook).__name__}", mend)
        raise ParameterError("These texts cannot be labelled.", [fault])
    categories = [{"name": name, "definition": definition} for name, definition in codebook.items()]
    variable = {"name": "label", "question": QUESTION, "kind": "single", "level": "nominal", "categories": categories}
    raw = {"name": "labels", "unit": "a text", "variables": [variable]}
    if faults := [Fault(_say_place(loc, list(codebook)), problem, mend) for loc, problem, mend in find_faults(raw)]:
        raise SchemeError("These labels do not make a codebook.", faults)
    return Codebook.model_validate(raw)


def _say_place(loc: Sequence[str | int], names: list[str]) -> str:
    """The label that a fault is about, or all of them."""
    place = loc[3] if len(loc) > 3 else ""
    return f"label {names[place]!r}" if isinstance(place, int) else "labels"


def _check(ids: list[str], texts: pd.Series, asking: Mapping[str, Any]) -> None:
    faults = []
    if strange := [text for text in texts if not isinstance(text, str) and text is not None and text == text]:
        problem = f"{len(strange):,} of {len(texts):,} are no texts, such as {strange[0]!r}"
        faults.append(Fault("texts", problem, "pass the column of texts, or .astype(str) if they are meant as texts"))
    if len(set(ids)) < len(ids):
        faults.append(Fault("texts", "their index is not unique", "reset it first: texts.reset_index(drop=True)"))
    if asking.get("draws", 1) != 1:
        faults.append(Fault("draws", "a text would have several labels", "use plan(), which keeps every draw"))
    ParameterError.raise_any("These texts cannot be labelled.", faults)
