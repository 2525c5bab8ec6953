"""Records that people or other tools gave, such as gold entities, as codings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from codebook.analysis.core.codings import Codings
from codebook.codings.frame import keep_known, make_table
from codebook.codings.records.record_rows import find_lists
from codebook.errors import Fault, TableError
from codebook.files.lines import dump_canonical, read_lines
from codebook.ground.quantities import say_count
from codebook.paths import resolve_path
from codebook.scheme import Codebook, RecordList


def read_record_codings(
    path: str | Path,
    codebook: Codebook,
    name: str,
    *,
    keys: Mapping[str, str] | Sequence[str],
    coder: str = "gold",
    units: Iterable[str] | None = None,
) -> Codings:
    """Read records coded by people from JSON lines, each with a unit and the list of its records.

    Parameters
    ----------
    path
        Empty for codings of nobody.
    name
        The codebook's list, alone in its variable.
    keys
        Which keys of the file hold what, as a mapping or as texts of the form "name: key": `unit` the unit's id, `list`
        the list, and a field of the codebook its value, where the key has another name.
    units
        Ids of the units that the records are of, such as those of a run: records of others are left out and counted.

    Raises
    ------
    TableError
        A line lacks a key, or a record does not keep the codebook; no line is of one of the units, or more almost are
        than are.

    Examples
    --------
    >>> from codebook.scheme import parse_codebook
    >>> book = parse_codebook('''
    ... name: names
    ... unit: a headline
    ... variables:
    ...   - {name: people, question: Whom does it name, kind: records, fields: [{name: mention, kind: quote}]}
    ... ''')
    >>> path = Path("gold.jsonl")
    >>> _ = path.write_text('{"id": "7", "names": [{"text": "Ann", "sure": true}]}')
    >>> keys = ["unit: id", "list: names", "mention: text"]
    >>> read_record_codings(path, book, "people", keys=keys).frame["label"].tolist()
    ['{"people":[{"mention":"Ann"}]}']
    """
    variable, records = next(iter(find_lists(codebook, name).items()))
    rows, notes = [], tuple[str, ...]()
    if path:
        labels = _read_labels(resolve_path(path), records, _read_keys(keys))
        rows = [{"unit_id": unit, "coder": coder, "variable": variable, "label": label} for unit, label in labels]
        notes = (f"{Path(path).name}: {say_count(len(rows), 'unit')} read.",)
    codings = Codings(make_table(rows, codebook), codebook.variables, gold=coder, notes=notes)
    if units is None or not rows:
        return codings
    mend = "write the ids of both in the same way, or name their key with `unit`"
    return keep_known(codings, units, Path(path).name, "The records belong to other units.", mend)


def _read_keys(keys: Mapping[str, str] | Sequence[str]) -> dict[str, str]:
    """Field -> key of the file."""
    pairs = keys.items() if isinstance(keys, Mapping) else [text.partition(":")[::2] for text in keys]
    named = {name.strip(): key.strip() for name, key in pairs}
    if lacking := [name for name in ("unit", "list") if not named.get(name)]:
        fault = Fault("keys", f"they lack {' and '.join(lacking)}", 'write for example "unit: id", "list: entities"')
        raise TableError("The records cannot be read.", [fault])
    return named


def _read_labels(path: Path, records: RecordList, keys: Mapping[str, str]) -> list[tuple[str, str]]:
    """(unit, label) of each line."""
    fields = {field.name: keys.get(field.name, field.name) for field in records.fields}
    labels = []
    for number, line in enumerate(read_lines(path), start=1):
        try:
            values = [{field: record[key] for field, key in fields.items()} for record in line[keys["list"]]]
            labels.append((line[keys["unit"]], dump_canonical({records.name: values}).decode()))
        except KeyError as error:
            mend = "name the keys of the file in `keys`: unit, list, and fields with another name there"
            fault = Fault(f"{path.name}, line {number}", f"there is no {error.args[0]!r}", mend)
            raise TableError(f"{path.name} does not contain the records.", [fault]) from None
    return labels
