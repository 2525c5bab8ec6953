"""Labels from anywhere - students, a crowd, another tool, a published file - become the tidy table.

`coders.yaml` lists the files and says what their columns mean; every scalar in it is text, as it stands:

    coders:
      - file: texts.csv            # relative to this file's folder
        unit: text_id
        columns: {gold: topic}     # wide, a column per coder; long: coder and label, or coder and reply
        where: {split: test}
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from codebook.analysis.core.codings import Codings
from codebook.codings.coder_files.coding_source import AUTO, LOGS, CodingSource
from codebook.codings.coder_files.label_files import Codings as FileCodings
from codebook.codings.coder_files.label_files import Key, join_sets, read_source
from codebook.codings.coder_files.log_folder import read_log_folder
from codebook.codings.coder_files.tool_files import read_tool_file
from codebook.codings.coder_files.unit_joins import Read, meet_each_other, meet_units, tell_twins
from codebook.codings.frame import make_table
from codebook.errors import Fault, InputError, TableError
from codebook.files.misfits import say_misfit
from codebook.files.tables.formats import READERS
from codebook.files.unfolding import find_kind
from codebook.files.yaml_text import YamlTree, find_broken_paths, read_yaml
from codebook.paths import resolve_path
from codebook.scheme import Codebook

Entry = tuple[str, CodingSource]
"""Where an entry stands, in words, and the entry."""
_KEYS = tuple(CodingSource.model_fields)

GOLD = "gold"
"""Name of the coder whose labels are the gold, where no other is named."""


def read_coders(
    path: str | Path, codebook: Codebook, *, units: Iterable[str] | None = None, partial: bool = False
) -> Codings:
    """Read all coders' labels that a `coders.yaml` lists.

    A label outside the codebook is an error, never mapped to a near one: `rename` declares a recoding. In a column of
    raw replies (`reply`) the label is the one category that the reply names; else it is missing, why `invalid`. The
    reply is kept in `raw`. An empty cell means that this coder did not code this unit: no row. `run_id` and `custom_id`
    are "", `draw` is 0 unless a column is named. `notes` says what was read, left out and renamed, and what did not
    meet; the last is in `joins` too, which stands in the note of every figure.

    Parameters
    ----------
    units
        Ids of the units that the labels are of, such as those of a run. Rows of other ids are left out and counted.
        Without it, ids are held against those of the other coders, and all stay.
    partial
        The units are a part of those that were to be coded, as in a run with a limit.

    Raises
    ------
    TableError
        Lists all that is wrong in the yaml, or all that is wrong in the files. Ids are wrong where more of a coder's
        ids almost meet than meet, unless the entry says `ids: near` or `ids: exact`; and where no id of a file is among
        the units, but for a file beside others that do meet a part of the units.

    Examples
    --------
    >>> variable = {"name": "a", "question": "?", "kind": "single", "level": "nominal", "categories": ["yes", "no"]}
    >>> codebook = Codebook.model_validate({"name": "relevance", "unit": "a text", "variables": [variable]})
    >>> path = Path("coders.yaml")
    >>> _ = path.with_name("a.csv").write_text("id,ann,ben\\n7,yes,no\\n9,yes,\\n")
    >>> _ = path.write_text("coders:\\n  - {file: a.csv, unit: id, columns: [ann, ben]}\\n")
    >>> codings = read_coders(path, codebook)
    >>> codings.frame[["unit_id", "coder", "label"]].to_numpy().tolist()
    [['7', 'ann', 'yes'], ['7', 'ben', 'no'], ['9', 'ann', 'yes']]
    >>> codings.notes
    ('a.csv: 2 rows read, 3 codings; 1 empty cell, not coded.',)
    """
    path = resolve_path(path)
    entries, faults = parse_coders(path, codebook)
    return _read_all(entries, path.parent, codebook, units, partial=partial, faults=faults)


def read_codings(
    path: str | Path, codebook: Codebook, *, units: Iterable[str] | None = None, **options: Any
) -> Codings:
    """Read labels from a file: a `coders.yaml`, a table whose columns the options name, or an export of another tool.

    Parameters
    ----------
    units
        As in `read_coders`.
    options
        The keys of an entry of `coders.yaml` (see `CodingSource`), such as `unit="id", columns=["ann", "ben"]`, or
        `format="label_studio"`; what is no table is held against every format that is known.

    Examples
    --------
    >>> variable = {"name": "a", "question": "?", "kind": "single", "level": "nominal", "categories": ["yes", "no"]}
    >>> codebook = Codebook.model_validate({"name": "relevance", "unit": "a text", "variables": [variable]})
    >>> path = Path("codings.csv")
    >>> _ = path.write_text("id,who,code\\n7,ann,Yes\\n")
    >>> codings = read_codings(path, codebook, unit="id", coder="who", label="code", rename={"Yes": "yes"})
    >>> codings.frame["label"].tolist(), codings.notes
    (['yes'], ('codings.csv: 1 row read, 1 coding; 1 label renamed.',))
    """
    path = resolve_path(path)
    if path.suffix in (".yaml", ".yml") and not options:
        return read_coders(path, codebook, units=units)
    if path.is_dir() or find_kind(path) not in READERS:
        options.setdefault("format", AUTO)
    return read_entry({**options, "file": path.name}, path.parent, codebook, units=units)


def read_entry(
    item: Mapping[str, Any], folder: Path, codebook: Codebook, *, units: Iterable[str] | None = None
) -> Codings:
    """Read labels by one entry of a `coders.yaml`, whose paths are relative to a folder."""
    name, faults = Path(str(item["file"])).name, list[Fault]()
    entry = check_entry(item, lambda _: name, codebook, faults)
    TableError.raise_any(f"{name} cannot be read with these settings.", faults)
    return _read_all([(name, entry)] if entry else [], folder, codebook, units)


def _read_all(
    entries: Sequence[Entry],
    folder: Path,
    codebook: Codebook,
    units: Iterable[str] | None,
    *,
    partial: bool = False,
    faults: Sequence[Fault] = (),
) -> Codings:
    """Read every file, collect every fault after those that are known, and put the codings into one table."""
    faults, n_known = list(faults), len(faults)
    read: list[Read] = []
    for where, source in entries:
        try:
            codings = _read_entry(source, folder, codebook)
        except InputError as error:
            faults.extend(_placed(fault, where, source.file) for fault in error.faults)
            continue
        faults.extend(codings.faults(where, codebook))
        read.append((where, codings))
    notes = [sentence for _, codings in read for sentence in (codings.note(), *codings.tell())]
    meeting = meet_each_other(read) if units is None else meet_units(read, units, partial=partial)
    labels = "The list of coders' files has errors." if n_known else "The coders' labels do not fit the codebook."
    TableError.raise_any(labels if faults else "The coders' unit ids do not match.", [*faults, *meeting.faults])
    joins = [*meeting.unmet, *tell_twins(dict.fromkeys(key[1] for _, codings in read for key in codings.rows))]
    with_raw = any(source.reply for _, source in entries)
    table = make_table(_table_rows(_put_together(read, codebook), with_raw), codebook)
    gold = GOLD if (table["coder"] == GOLD).any() else ""
    every = (*notes, *meeting.notes, *joins)
    return Codings(table, codebook.variables, gold=gold, notes=every, joins=tuple(joins))


def _read_entry(source: CodingSource, folder: Path, codebook: Codebook) -> FileCodings:
    if source.format == LOGS:
        return read_log_folder(source, folder, codebook)
    return (read_tool_file if source.format else read_source)(source, folder, codebook)


def _placed(fault: Fault, where: str, file: str) -> Fault:
    """A fault of a file, with the place of its entry."""
    inside = fault.where.rpartition(Path(file).name)[2].strip(", ")
    place = f"{where[:-1]}, {inside})" if where.endswith(")") else f"{where}, {inside}"
    return Fault(place if inside else where, fault.problem, fault.mend)


def _put_together(read: Sequence[Read], codebook: Codebook) -> dict[Key, dict[str, Any]]:
    """All codings by their key; those of one key in two files join, or are an error."""
    rows: dict[Key, dict[str, Any]] = {}
    owners: dict[Key, Read] = {}
    faults: dict[tuple[str, str], Fault] = {}
    for where, codings in read:
        for key, coding in codings.rows.items():
            if key not in rows:
                rows[key], owners[key] = coding, (where, codings)
                continue
            before, other = owners[key]
            variable = codebook.variable(key[2])
            if codings.source.join and other.source.join and variable.is_set:
                rows[key] = join_sets(rows[key], coding, variable)
            else:
                faults.setdefault((before, where), _coded_twice(before, where, key))
    TableError.raise_any("A coder codes a unit in two files.", list(faults.values()))
    return rows


def _coded_twice(before: str, where: str, key: Key) -> Fault:
    problem = f"codings repeat unit, coder, variable and draw of {before} (first: unit {key[0]!r}, coder {key[1]!r})"
    mend = "remove one of the two, rename a coder with `rename_coders`, or number the draws with `draw`"
    return Fault(where, problem, mend)


def _table_rows(rows: dict[Key, dict[str, Any]], with_raw: bool) -> Iterator[dict[str, Any]]:
    extra = {"raw": ""} if with_raw else {}
    for (unit_id, coder, variable, draw), coding in rows.items():
        yield {"unit_id": unit_id, "coder": coder, "variable": variable, "draw": draw, **extra, **coding}


def parse_coders(path: Path, codebook: Codebook) -> tuple[list[Entry], list[Fault]]:
    """Return the sound entries of a coders.yaml, and every fault in it; what is no list of entries is raised."""
    summary = f"{path.name} is not a list of coders' files."
    tree = read_yaml(path, error=TableError, summary=summary)
    value = tree.value
    if not isinstance(value, dict) or set(value) != {"coders"} or not isinstance(value["coders"], list):
        mend = "begin with `coders:` and list the files below it"
        raise TableError(summary, [Fault(path.name, "it must have exactly one key, `coders`, with a list", mend)])
    faults = [fault for _, fault in tree.repeated_keys()]
    faults += find_broken_paths(tree, path.parent)
    entries = []
    for place, item in enumerate(value["coders"]):
        find_place, n_before = functools.partial(_place, path.name, tree, place, item), len(faults)
        source = check_entry(item, find_place, codebook, faults)
        if source is not None and len(faults) == n_before:
            entries.append((find_place(""), source))
    return entries, faults


def _place(name: str, tree: YamlTree, place: int, item: Any, key: str) -> str:
    """Where an entry stands, or a key of it."""
    file = item.get("file", "?") if isinstance(item, dict) else "?"
    return f"{name}, line {tree.line(('coders', place, *([key] if key else [])))} ({file})"


def check_entry(
    item: Any, find_place: Callable[[str], str], codebook: Codebook, faults: list[Fault]
) -> CodingSource | None:
    """Return an entry, or None where it is faulty; what is wrong goes to `faults`.

    Parameters
    ----------
    find_place
        Says where a key of the entry stands; "" is the entry.
    """
    try:
        source = CodingSource.model_validate(item)
    except ValidationError as error:
        faults.extend(_schema_faults(error, find_place))
        return None
    faults.extend(Fault(find_place(""), problem, mend) for problem, mend in source.problems(codebook))
    return source


def _schema_faults(error: ValidationError, find_place: Callable[[str], str]) -> Iterator[Fault]:
    for each in error.errors():
        key = ".".join(map(str, each["loc"])) or "entry"
        where = find_place(str(each["loc"][0]) if each["loc"] else "")
        match each["type"]:
            case "extra_forbidden":
                near = difflib.get_close_matches(key, _KEYS, n=1)
                mend = f"did you mean `{near[0]}`?" if near else f"use one of {', '.join(_KEYS)}"
                yield Fault(where, f"there is no key `{key}`", mend)
            case "missing":
                yield Fault(where, f"`{key}` is missing", f"add `{key}: ...`")
            case _:
                problem, mend = say_misfit(each)
                yield Fault(where, f"`{key}`: {problem}", mend)
