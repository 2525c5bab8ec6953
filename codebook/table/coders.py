"""Labels from anywhere - students, a crowd, another tool, a published file - become the tidy table.

`coders.yaml` lists the files and says what their columns mean; every scalar in it is text, as it stands:

    coders:
      - file: texts.csv            # relative to this file's folder
        unit: text_id
        columns: {gold: topic}     # wide, a column a coder; long: coder and label, or coder and reply
        where: {split: test}
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ValidationError

from codebook.errors import Fault, InputError, TableError
from codebook.files.yaml_text import read_yaml
from codebook.paths import resolve_path
from codebook.scheme import Codebook
from codebook.table.codings import Codings, CodingSource, read_source
from codebook.table.frame import make_table

_Entry = tuple[str, CodingSource]


def read_coders(path: str | Path, codebook: Codebook) -> pd.DataFrame:
    """Read all coders' labels that a `coders.yaml` lists into one tidy table.

    A label outside the codebook is an error, never mapped to a near one: `rename` declares a recoding. In a column of
    raw replies (`reply`) the label is the one category that the reply names; else it is missing, why `invalid`. The
    reply is kept in `raw`. An empty cell means that this coder did not code this unit: no row. `run_id` and `custom_id`
    are "", `draw` is 0 unless a column is named. `table.attrs["notes"]` says what was read, left out and renamed.

    Raises
    ------
    TableError
        Lists all that is wrong in the yaml, or all that is wrong in the files.

    Examples
    --------
    >>> variable = {"name": "a", "question": "?", "kind": "single", "level": "nominal", "categories": ["yes", "no"]}
    >>> codebook = Codebook.model_validate({"name": "relevance", "unit": "a text", "variables": [variable]})
    >>> import tempfile; folder = tempfile.TemporaryDirectory(); path = Path(folder.name) / "coders.yaml"
    >>> _ = path.with_name("a.csv").write_text("id,ann,ben\\n7,yes,no\\n9,yes,\\n")
    >>> _ = path.write_text("coders:\\n  - {file: a.csv, unit: id, columns: [ann, ben]}\\n")
    >>> table = read_coders(path, codebook)
    >>> table[["unit_id", "coder", "label"]].to_numpy().tolist()
    [['7', 'ann', 'yes'], ['7', 'ben', 'no'], ['9', 'ann', 'yes']]
    >>> table.attrs["notes"]
    ['a.csv: 2 rows read, 3 codings; 1 empty cell, not coded.']
    >>> folder.cleanup()
    """
    path = resolve_path(path)
    return _read_all(_parse_coders(path, codebook), path.parent, codebook)


def read_codings(path: str | Path, codebook: Codebook, **options: Any) -> pd.DataFrame:
    """Read one file of labels; the options are the keys of an entry of `coders.yaml` (see `CodingSource`).

    Examples
    --------
    >>> variable = {"name": "a", "question": "?", "kind": "single", "level": "nominal", "categories": ["yes", "no"]}
    >>> codebook = Codebook.model_validate({"name": "relevance", "unit": "a text", "variables": [variable]})
    >>> import tempfile; folder = tempfile.TemporaryDirectory(); path = Path(folder.name) / "codings.csv"
    >>> _ = path.write_text("id,who,code\\n7,ann,Yes\\n")
    >>> table = read_codings(path, codebook, unit="id", coder="who", label="code", rename={"Yes": "yes"})
    >>> table["label"].tolist(), table.attrs["notes"]
    (['yes'], ['codings.csv: 1 row read, 1 coding; 1 label renamed.'])
    >>> folder.cleanup()
    """
    path, faults = resolve_path(path), list[Fault]()
    entry = _check_entry({**options, "file": path.name}, path.name, codebook, faults)
    _refuse(f"{path.name} cannot be read so.", faults)
    return _read_all([(path.name, entry)] if entry else [], path.parent, codebook)


def _parse_coders(path: Path, codebook: Codebook) -> list[_Entry]:
    """Return the entries of a coders.yaml, or raise with every fault in it."""
    summary = f"{path.name} is not a list of coders' files."
    tree = read_yaml(path, error=TableError, summary=summary)
    value = tree.value
    if not isinstance(value, dict) or set(value) != {"coders"} or not isinstance(value["coders"], list):
        mend = "begin with `coders:` and list the files under it"
        raise TableError(summary, [Fault(path.name, "it must hold the one key `coders`, a list", mend)])
    faults: list[Fault] = []
    entries = []
    for place, item in enumerate(value["coders"]):
        name = item.get("file", "?") if isinstance(item, dict) else "?"
        where = f"{path.name}, line {tree.line(('coders', place))} ({name})"
        entries.append((where, _check_entry(item, where, codebook, faults)))
    _refuse(summary, faults)
    return [(where, source) for where, source in entries if source is not None]


def _check_entry(item: Any, where: str, codebook: Codebook, faults: list[Fault]) -> CodingSource | None:
    try:
        source = CodingSource.model_validate(item)
    except ValidationError as error:
        faults.extend(_schema_faults(error, where))
        return None
    faults.extend(Fault(where, problem, mend) for problem, mend in source.problems(codebook))
    return source


def _schema_faults(error: ValidationError, where: str) -> Iterator[Fault]:
    keys = ", ".join(CodingSource.model_fields)
    for each in error.errors():
        key = ".".join(map(str, each["loc"])) or "entry"
        mends = {"extra_forbidden": f"use one of {keys}", "missing": f"add `{key}: ...`"}
        yield Fault(where, f"`{key}`: {each['msg']}", mends.get(each["type"], f"correct `{key}`"))


def _refuse(summary: str, faults: Sequence[Fault]) -> None:
    if faults:
        raise TableError(summary, faults)


def _read_all(entries: Sequence[_Entry], folder: Path, codebook: Codebook) -> pd.DataFrame:
    """Read every file, collect every fault, and put the codings into one table."""
    faults: list[Fault] = []
    read: list[Codings] = []
    for where, source in entries:
        try:
            codings = read_source(source, folder, codebook)
        except InputError as error:
            faults.extend(error.faults)
            continue
        faults.extend(codings.faults(where, codebook))
        read.append(codings)
    _refuse("The coders' labels do not fit the codebook.", faults)
    with_raw = any(source.reply for _, source in entries)
    table = make_table((row for codings in read for row in _table_rows(codings, with_raw)), codebook)
    table.attrs["notes"] = [codings.note() for codings in read]
    return table


def _table_rows(codings: Codings, with_raw: bool) -> Iterator[dict[str, Any]]:
    extra = {"raw": ""} if with_raw else {}
    for (unit_id, coder, variable, draw), found in codings.rows.items():
        yield {"unit_id": unit_id, "coder": coder, "variable": variable, "draw": draw, **extra, **found}
