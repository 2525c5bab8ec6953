"""DRAWER: the tools whose files are read. One file per format; a format is found by what is in a file, or named.

To add a tool: a file with `TITLE`, `looks_like` and `read_export` (see `reading.py`), and its line in `FORMATS`.
"""

from __future__ import annotations

from dataclasses import fields, replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from codebook.errors import Fault, TableError, mend_name
from codebook.exchange.export_source import ExportSource, open_source
from codebook.exchange.reading import Reading, ReadOptions
from codebook.files.tables import reading

FORMATS = {
    "label_studio": "codebook.exchange.labelling.label_studio",
    "prodigy": "codebook.exchange.labelling.prodigy",
    "argilla": "codebook.exchange.labelling.argilla",
    "potato": "codebook.exchange.labelling.potato",
    "doccano": "codebook.exchange.labelling.doccano",
    "webanno": "codebook.exchange.standoff.webanno",
    "brat": "codebook.exchange.standoff.brat",
    "refi_qda": "codebook.exchange.qda.refi_projects",
    "qualcoder": "codebook.exchange.qda.qualcoder",
    "qda_table": "codebook.exchange.qda.segment_tables",
    "qualtrics": "codebook.exchange.surveys.qualtrics",
    "google_forms": "codebook.exchange.surveys.google_forms",
    "statistics": "codebook.exchange.surveys.statistics_files",
    "mturk": "codebook.exchange.surveys.mturk",
    "zooniverse": "codebook.exchange.surveys.zooniverse",
    "cvat": "codebook.exchange.standoff.cvat",
    "code_matrix": "codebook.exchange.qda.code_matrices",
}
"""Format -> its module, in the order in which a file is held against them."""

_SEVERAL = ("only", "sets", "accept")


def load_format(name: str) -> ModuleType:
    """Return the module of a format."""
    if name not in FORMATS:
        fault = Fault("format", f"{name!r} is unknown", mend_name(name, FORMATS))
        raise TableError("The file cannot be read with these settings.", [fault])
    return import_module(FORMATS[name])


def find_format(source: ExportSource) -> str:
    """Return the format that a file is of, by what is in it."""
    for name in FORMATS:
        if load_format(name).looks_like(source):
            return name
    known = ", ".join(FORMATS)
    mend = f"name its `format`, one of {known}; for a plain table, name its columns instead (`unit`, `coder`, `label`)"
    raise TableError(f"{source.name} does not come from a known tool.", [Fault(source.name, _describe(source), mend)])


def _describe(source: ExportSource) -> str:
    if isinstance(source.record, dict):
        return f"it is JSON with the keys {', '.join(map(repr, list(source.record)[:12]))}"
    if len(source.columns) > 1:
        return f"it is a table with the columns {', '.join(map(repr, source.columns[:12]))}"
    return f"its content was not recognised (its first file is {source.names[0]})"


def make_options(**options: Any) -> ReadOptions:
    """Return options of reading; what is one text where several may stand is one of them."""
    known = [each.name for each in fields(ReadOptions)]
    if unknown := [name for name in options if name not in known]:
        faults = [Fault("options", f"{name!r} is unknown", mend_name(name, known)) for name in unknown]
        raise TableError("The file cannot be read with these settings.", faults)
    for name in ("unit", *_SEVERAL):
        value = options.get(name)
        if value is not None:
            values = (value,) if isinstance(value, str) else tuple(value)
            options[name] = values if name == "unit" else frozenset(values)
    return ReadOptions(**options)


def open_export(path: str | Path, *, format: str = "", **options: Any) -> Reading:
    """Read a file from another tool: labels, why others are missing, and an account of every record.

    Parameters
    ----------
    path
        A file, a folder or an archive, as the tool wrote it; `.gz` and `.zip` are read as they are.
    format
        One of `FORMATS`; found by what is in the file where it is not given.
    options
        Attributes of `ReadOptions`, such as `unit="doc_id", rename_coders={"2": "ann"}, duplicates="last"`.

    Raises
    ------
    TableError
        The file is of no known tool, damaged, or an option does not fit it.

    Examples
    --------
    >>> path = Path("export.json")
    >>> result = '{"from_name": "stance", "type": "choices", "value": {"choices": ["for"]}}'
    >>> task = '{"id": 1, "data": {"doc_id": "a"}, "annotations": [{"completed_by": 2, "result": [%s]}]}'
    >>> _ = path.write_text(f"[{task % result}]")
    >>> reading = open_export(path, rename_coders={"2": "ann"})
    >>> reading.title, reading.labels[0][:4]
    ('Label Studio, JSON', ('a', 'ann', 'stance', 'for'))
    """
    settings = make_options(**options)
    with open_source(path) as source, reading(source.path, TableError):
        name = format or find_format(source)
        result: Reading = load_format(name).read_export(source, settings)
        notes = (f"Read as {result.title}.", *result.notes)
        return replace(result, format=name, notes=notes)
