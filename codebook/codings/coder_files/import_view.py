"""A file of another tool, looked at before it is used: what it is, its account, its codings, and its entry."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os.path import relpath
from pathlib import Path
from typing import Any

import yaml

from codebook.analysis.core.codings import Codings
from codebook.codings.coder_files.coders import read_entry
from codebook.codings.coder_files.tool_files import read_coded_by
from codebook.codings.table_view import show_table
from codebook.errors import Fault, InputError, TableError
from codebook.exchange import Reading, open_export
from codebook.files.decode import read_text
from codebook.files.lines import write_whole
from codebook.files.yaml_text import parse_yaml
from codebook.outputs import frames_html
from codebook.paths import resolve_path, show_path
from codebook.scheme import Codebook
from codebook.visible import spell_block

_ITEM = re.compile(r"^([ \t]*)-[ \t]", re.MULTILINE)
_OF_READING = (
    "unit",
    "unit_name",
    "rename_coders",
    "coder_name",
    "coded_by",
    "columns",
    "variables",
    "end",
    "confirmed",
    "accept",
    "duplicates",
)
_PATHS = ("coded_by", "confirmed")
_SUMMARY = "The entry cannot be written."


@dataclass(frozen=True, repr=False)
class ImportView:
    """A file of another tool, looked at.

    Attributes
    ----------
    reading
        What the file says, with its account.
    entry
        The entry of `coders.yaml` that reads it.
    codings
        What the entry gives with the codebook; None without a codebook, or where `faults` keep it from being codings.
    faults
        What is to be answered first, each with the key of the entry that answers it.
    coders
        The file of coders into which the entry belongs.
    """

    reading: Reading
    entry: Mapping[str, Any]
    codings: Codings | None = None
    faults: tuple[Fault, ...] = ()
    coders: Path = field(default_factory=Path)

    @property
    def text(self) -> str:
        """The entry as YAML, with what is not answered as comments."""
        comments = [f"  # {line}" for fault in self.faults for line in f"still to do: {fault}".splitlines()]
        return "\n".join([*comments, _as_item(self.entry, "  ")])

    def write(self) -> str:
        """Put the entry into the file of coders, a new one where there is none, and say so.

        Raises
        ------
        TableError
            Questions are open, the file has an entry of this file already, or it is not a plain list.
        """
        TableError.raise_any(_SUMMARY, self.faults)
        name = show_path(self.coders)
        text = read_text(self.coders) if self.coders.is_file() else "coders:\n"
        before = _list_files(text, name)
        if self.entry["file"] in before:
            mend = "change that entry, or remove it"
            raise TableError(_SUMMARY, [Fault(name, f"it has an entry of {self.entry['file']} already", mend)])
        items = _ITEM.findall(text)
        new = text.rstrip("\n") + "\n" + _as_item(self.entry, items[0] if items else "  ") + "\n"
        try:
            is_whole = _list_files(new, name) == [*before, self.entry["file"]]
        except InputError:
            is_whole = False
        if not is_whole:
            mend = f"add the entry by hand:\n{self.text}\n"
            raise TableError(_SUMMARY, [Fault(name, "it is not a plain list of entries", mend)])
        write_whole(self.coders, new)
        return f"{name}: the entry of {self.entry['file']} was added."

    def __repr__(self) -> str:
        table = [] if self.codings is None else [repr(show_table(self.codings.frame))]
        parts = [repr(self.reading), *table, *map(str, self._open()), f"Entry of {show_path(self.coders)}:", self.text]
        return spell_block("\n\n".join(parts))

    def _repr_html_(self) -> str:
        table = [] if self.codings is None else [self.codings.frame.head(10)]
        words = [str(fault) for fault in self._open()]
        return self.reading._repr_html_() + frames_html(
            *table, *words, f"Entry of {show_path(self.coders)}:", self.text
        )

    def _open(self) -> list[Fault]:
        """The faults that the reading has not told."""
        problems = {question.problem for question in self.reading.questions}
        return [fault for fault in self.faults if fault.problem not in problems]


def look_at_export(
    path: str | Path, codebook: Codebook | None = None, *, coders: str | Path = "coders.yaml", **entry: Any
) -> ImportView:
    """Look at a file from another tool: its format, an account of its rows, its codings, and its entry for coders.yaml.

    Parameters
    ----------
    codebook
        Whose labels are expected; without it, labels are not held against anything.
    coders
        The file of coders into which the entry belongs; nothing is written before `.write()`.
    entry
        Keys of the entry that are known (see `CodingSource`), such as `format="doccano", unit="doc_id"`.

    Raises
    ------
    TableError
        The file is of no known tool, or damaged.

    Examples
    --------
    >>> path = Path("ann.jsonl")
    >>> _ = path.write_text('{"id": 1, "text": "Rain.", "doc_id": "a", "label": ["sea"], "Comments": []}\\n')
    >>> view = look_at_export(path, coders=Path("coders.yaml"))
    >>> print(view.text)
      - file: ann.jsonl
        format: doccano
        unit: doc_id
    >>> print(view.write().rpartition("/")[2])
    coders.yaml: the entry of ann.jsonl was added.
    """
    path, coders = resolve_path(path), resolve_path(coders)
    keys = {name: value for name, value in entry.items() if value}
    name = str(keys.pop("format", ""))
    paths = {key: keys[key] for key in _PATHS if isinstance(keys.get(key), str | Path) and keys[key] != "all"}
    keys |= {key: _near(path, coders.parent) for key, path in paths.items()}
    options = {key: keys[key] for key in _OF_READING if key in keys}
    if "coded_by" in options:
        options["coded_by"] = read_coded_by(options["coded_by"], coders.parent)
    if "confirmed" in options:
        options["confirmed"] = str(coders.parent / options["confirmed"])
    reading = open_export(path, format=name, **options)
    full = {"file": _near(path, coders.parent), "format": reading.format, **_units(reading, keys), **keys}
    codings, faults = None, reading.questions
    if codebook is not None:
        try:
            codings = read_entry(full, coders.parent, codebook)
            faults = ()
        except InputError as error:
            faults = error.faults
    return ImportView(reading, full, codings, tuple(faults), coders)


def _near(path: str | Path, folder: Path) -> str:
    """A path as it stands in a file of a folder."""
    return Path(relpath(resolve_path(path), folder)).as_posix()


def _units(reading: Reading, keys: Mapping[str, Any]) -> dict[str, Any]:
    """The field of the unit, which stands in the entry even where it went without saying."""
    if "unit" in keys or not reading.unit:
        return {}
    return {"unit": reading.unit[0] if len(reading.unit) == 1 else list(reading.unit)}


def _as_item(entry: Mapping[str, Any], indent: str) -> str:
    """An entry as an item of a list of YAML."""
    plain = {name: _as_plain(value) for name, value in entry.items()}
    lines = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=10_000).splitlines()
    return "\n".join(f"{indent}{'- ' if number == 0 else '  '}{line}" for number, line in enumerate(lines))


def _as_plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _as_plain(each) for name, each in value.items()}
    if isinstance(value, str | bool):
        return value
    if isinstance(value, Sequence):
        return str(value[0]) if len(value) == 1 else [str(each) for each in value]
    return str(value)


def _list_files(text: str, name: str) -> list[str]:
    """The files that a file of coders has entries of."""
    tree = parse_yaml(text, name, error=TableError, summary=_SUMMARY)
    value = tree.value
    entries = value.get("coders") if isinstance(value, dict) else None
    return [str(each.get("file")) for each in entries or () if isinstance(each, dict)]
