"""Texts to vectors in one call, by the verbs of any run: planned, sent, collected, kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from codebook.engines import DEFAULT, make_engine
from codebook.errors import Fault, ParameterError, PendingError, RunError
from codebook.files.lines import digest, dump_canonical
from codebook.records import Asking, Unit
from codebook.run.folder import RunFolder
from codebook.run.plans.asking import read_options
from codebook.run.plans.planning import plan
from codebook.run.vectors.places import open_store
from codebook.run.verbs import Run
from codebook.scheme import Codebook, parse_codebook

if TYPE_CHECKING:
    import pandas as pd

    from codebook.vectors import Vectors

_BOOK = "{name: embedding, unit: a text, variables: [{name: vectors, kind: embedding}]}"


def embed_texts(
    texts: Iterable[str | Unit],
    *,
    model: str = "",
    engine: str = DEFAULT,
    dimensions: int = 0,
    run: str = "",
    options: Mapping[str, Any] | Sequence[str] = (),
    limit: int = 0,
) -> Vectors:
    """Return the vectors of texts. A text that has its vector by this model and service is never sent again.

    Parameters
    ----------
    texts
        Or units, whose ids and context stay beside the vectors. Repeats are embedded once.
    engine, model, options
        Who embeds, as of `plan`; the embedded engine has one model.
    dimensions
        0 for the model's own. The embedded engine has 896 (USE and MiniLM), 512 (USE, 16 languages) and 384 (MiniLM,
        English).
    run
        Name of the run, into whose outputs results are saved; made from the texts where empty.
    limit
        The first so many; 0 for all.

    Raises
    ------
    ParameterError
        A text is empty or no text, or nothing embeds in this way.
    PendingError
        A service has not answered yet. Nothing is lost: the same call goes on.
    RunError
        Some texts got no vector; why is said. The same call asks for them again.

    Examples
    --------
    >>> import codebook as cb
    >>> cb.embed_texts(["The match was lost.", "Prices rise."])
    2 vectors of 896 numbers each, by embedded-use-minilm-2.
    """
    from codebook.vectors import Vectors

    firsts = _first_of_each(list(islice(texts, limit or None)))
    distinct = tuple(firsts)
    parameters, settings = read_options(options), {"dimensions": dimensions} if dimensions else {}
    name = run or f"embed-{engine}-{digest(model, dump_canonical([settings, parameters]), *distinct)[:8]}"
    folder = RunFolder(name)
    answering = make_engine(engine, folder=folder.work, model=model, **parameters)
    store = open_store(folder, Asking(model=answering.model, settings=settings), answering.answerer)
    vectors = Vectors(distinct, answering.model, store, _fields(firsts), folder.path / "outputs" if run else None)
    if vectors.store.missing(distinct):
        units = (Unit(f"text-{number}", text) for number, text in enumerate(distinct, start=1))
        planned = plan(_book(), units, run=name, engine=engine, model=model, settings=settings, options=parameters)
        _ask(planned, vectors)
    return vectors


@cache
def _book() -> Codebook:
    return parse_codebook(_BOOK)


def _ask(run: Run, vectors: Vectors) -> None:
    """Send what has to be sent, again where it failed, and collect what is there."""
    run.retry()
    run.submit()
    status = run.collect(partial=True)
    lacking = vectors.store.missing(vectors.texts)
    if lacking and not status.done:
        raise PendingError(
            f"{len(lacking):,} of {len(vectors):,} texts have no vector yet (run {run.name!r}). Nothing is lost. "
            "To mend: call embed_texts again later, with the same texts; it goes on."
        )
    if lacking:
        raise RunError(
            f"{len(lacking):,} of {len(vectors):,} texts got no vector (run {run.name!r}): {_say_reasons(run)}. "
            "To mend: call embed_texts again, which asks for them again, or leave out texts that cannot be sent; what "
            f"was refused for good is asked again after `codebook retry {run.name} --why failed`."
        )


def _say_reasons(run: Run) -> str:
    """Why packs and texts were not answered, each reason once."""
    table = run.table()
    lacking = table[table["why"].notna()]
    return "; ".join(
        dict.fromkeys(f"{why}: {detail}" for why, detail in zip(lacking["why"], lacking["detail"], strict=True))
    )


def _first_of_each(texts: Sequence[str | Unit]) -> dict[str, str | Unit]:
    """The first that has each text, after a check of what has no vector."""
    plain = _check_texts([each.text if isinstance(each, Unit) else each for each in texts])
    firsts: dict[str, str | Unit] = {}
    for text, each in zip(plain, texts, strict=True):
        firsts.setdefault(text, each)
    return firsts


def _fields(firsts: Mapping[str, str | Unit]) -> pd.DataFrame | None:
    """Id and context of units, a row for each text; nothing of plain texts."""
    import pandas as pd

    units = [each for each in firsts.values() if isinstance(each, Unit)]
    if len(units) < len(firsts):
        return None
    return pd.DataFrame([{"unit_id": unit.unit_id, **unit.context} for unit in units])


def _check_texts(texts: list[Any]) -> list[str]:
    """Refuse what has no vector."""
    where = {
        "no text": [place for place, text in enumerate(texts) if not isinstance(text, str)],
        "empty": [place for place, text in enumerate(texts) if isinstance(text, str) and not text.strip()],
    }
    faults = [
        Fault(f"text {', '.join(map(str, places[:5]))}", f"{len(places):,} are {what}", "leave them out")
        for what, places in where.items()
        if places
    ]
    if not texts:
        faults.append(Fault("texts", "there is none", "give at least one"))
    ParameterError.raise_any("These texts cannot be embedded.", faults)
    return texts
