"""Versions of a run: their names, and which of them a run's name stands for. The folders alone decide it.

The first version has the run's own name, `topics`; what is planned under it with something else after it was handed in
is `topics.v2`, then `topics.v3`. A version is made only after the one before it was handed in.
"""

from __future__ import annotations

import re
from glob import escape
from pathlib import Path

import orjson

NO_NAME = "No run is named here or in study.yaml. To mend: name a run, or write `run: NAME` in study.yaml."

_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_VERSION = re.compile(r"(.+)\.v([1-9][0-9]{0,3})")


def split_version(name: str) -> tuple[str, int]:
    """The run that a name is a version of, and the number of the version.

    Examples
    --------
    >>> split_version("topics"), split_version("topics.v12"), split_version("topics.v0")
    (('topics', 1), ('topics', 12), ('topics.v0', 1))
    """
    match = _VERSION.fullmatch(name)
    return (match[1], int(match[2])) if match else (name, 1)


def order_of(name: str) -> tuple[str, int, str]:
    """By what runs are sorted, so that version 10 stands after version 9."""
    return (*split_version(name), name)


def list_versions(runs: Path, name: str) -> list[str]:
    """The versions that there are of a run, the oldest first; `runs` is the folder of all runs."""
    base = split_version(name)[0]
    if not _RUN.fullmatch(base):
        return []
    places = [runs / base / "run.json", *runs.glob(f"{escape(base)}.v*/run.json")]
    names = [place.parent.name for place in places if place.is_file()]
    return sorted((each for each in names if split_version(each)[0] == base), key=order_of)


def find_version(runs: Path, name: str, *, planned: bool = False) -> str:
    """The version that a name stands for: the newest that was handed in; with `planned`, one that is only planned too.

    A name that tells a version is that version.
    """
    base, number = split_version(name)
    if name != base:
        is_first = number == 1 and not (runs / name).is_dir() and (runs / base).is_dir()
        return base if is_first else name
    versions = list_versions(runs, name)
    if not versions:
        return name
    newest = versions[-1]
    return newest if planned or len(versions) == 1 or _was_handed_in(runs / newest) else versions[-2]


def next_version(runs: Path, name: str) -> str:
    """The name of the version after the newest of a run."""
    base = split_version(name)[0]
    newest = [split_version(each)[1] for each in list_versions(runs, name)]
    return f"{base}.v{max([1, *newest]) + 1}"


def version_before(runs: Path, name: str) -> str:
    """The version before this one; empty where there is none."""
    base, number = split_version(name)
    older = [each for each in list_versions(runs, base) if split_version(each)[1] < number]
    return older[-1] if older else ""


def is_wanted(name: str, wanted: str) -> bool:
    """Whether a run is one that is looked at: all are where nothing is named, all versions by the name of their run.

    Examples
    --------
    >>> [is_wanted("topics", wanted) for wanted in ("", "topics", "topics.v1", "topics.v2")]
    [True, True, True, False]
    >>> [is_wanted("topics.v2", wanted) for wanted in ("", "topics", "topics.v1", "topics.v2")]
    [True, True, False, True]
    """
    return wanted in ("", name, split_version(name)[0]) or split_version(wanted) == (name, 1)


def goes_on_from(run: str, name: str) -> bool:
    """Whether a run is another or belongs to it: a version of it, or a run beside it, whose name goes on from its name.

    Examples
    --------
    >>> [goes_on_from(run, "coal") for run in ("coal", "coal-pilot", "coal.v2", "coals")]
    [True, True, True, False]
    """
    return run == name or (run.startswith(name) and run[len(name)] in "-._@")


def say_version(runs: Path, name: str, taken: str) -> str:
    """Say which version a name was taken for; empty where there is one only, or the name tells it.

    Examples
    --------
    >>> say_version(Path("/nowhere"), "topics", "topics")
    ''
    """
    versions = list_versions(runs, name)
    if len(versions) < 2 or name != split_version(name)[0] or taken not in versions:
        return ""
    if taken == versions[-1]:
        return f"{name} means {taken}, the newest of {len(versions)} versions"
    if _was_handed_in(runs / versions[-1]):
        return ""  # the first version, opened as what its folder is called
    return f"{name} means {taken}, because the newest version, {versions[-1]}, was not submitted"


def _was_handed_in(folder: Path) -> bool:
    """Whether a version was handed in; taken for so where its record is damaged, which is told when it is opened."""
    try:
        record = orjson.loads((folder / "run.json").read_bytes())
        return bool("answered" in record or record.get("version", {"handed_in": True}).get("handed_in"))
    except (OSError, ValueError, AttributeError):
        return True
