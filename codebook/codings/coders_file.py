"""`coders.yaml` as it stands: its entries with their lines, and every fault in it at once."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from codebook.codings.coding_source import CodingSource
from codebook.errors import Fault, TableError
from codebook.files.yaml_paths import find_broken_paths
from codebook.files.yaml_text import YamlTree, read_yaml
from codebook.scheme import Codebook

Entry = tuple[str, CodingSource]
"""Where an entry stands, in words, and the entry."""

_KEYS = tuple(CodingSource.model_fields)


def parse_coders(path: Path, codebook: Codebook) -> list[Entry]:
    """Return the entries of a coders.yaml, or raise with every fault in it."""
    summary = f"{path.name} is not a list of coders' files."
    tree = read_yaml(path, error=TableError, summary=summary)
    value = tree.value
    if not isinstance(value, dict) or set(value) != {"coders"} or not isinstance(value["coders"], list):
        mend = "begin with `coders:` and list the files under it"
        raise TableError(summary, [Fault(path.name, "it must hold the one key `coders`, a list", mend)])
    faults = [
        Fault(f"{path.name}, line {line}", f"`{loc[-1]}` stands here twice", "keep one of them")
        for loc, line in tree.repeated_keys()
    ]
    faults += find_broken_paths(tree, path.parent)
    entries = []
    for place, item in enumerate(value["coders"]):
        find_place = partial(_place, path.name, tree, place, item)
        entries.append((find_place(""), check_entry(item, find_place, codebook, faults)))
    refuse(summary, faults)
    return [(where, source) for where, source in entries if source is not None]


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
                yield Fault(where, f"`{key}`: {each['msg']}", f"correct `{key}`")


def refuse(summary: str, faults: Sequence[Fault]) -> None:
    """Raise one `TableError` with all the faults, if there are any."""
    if faults:
        raise TableError(summary, faults)
