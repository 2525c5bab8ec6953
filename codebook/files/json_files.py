"""JSON that the kit itself wrote (the record of a run, its list of outputs), read back whole or refused in words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from codebook.errors import RecordError
from codebook.paths import show_path

_MEND_RUN = "restore it from a backup; or delete it and plan the run again: nothing is asked or paid twice"
_RUN: Mapping[str, type] = {"run": str, "planned_at": str, "codebook": dict, "units": dict, "asked": dict}
_ASKED: Mapping[str, type] = {"engine": str, "model": str, "url": str, "draws": int, "settings": dict, "options": dict}


def read_json(path: Path, *, mend: str = "restore it from a backup") -> Any:
    """Read a file of JSON.

    Raises
    ------
    RecordError
        It is no JSON.
    """
    try:
        return orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise damaged(path, str(error), mend) from None


def damaged(path: Path, problem: str, mend: str) -> RecordError:
    """Return the error of a file of the record that is not as it was written."""
    return RecordError(f"{show_path(path)} is damaged ({problem}). To mend: {mend}.")


def read_run_record(path: Path) -> dict[str, Any]:
    """Read the `run.json` of a run, with all that the verbs go by.

    Raises
    ------
    RecordError
        It is no JSON, or a part of it is gone or of another kind.
    """
    record = read_json(path, mend=_MEND_RUN)
    for name, part, wanted in (("", record, _RUN), ("asked.", _get(record, "asked"), _ASKED)):
        if not isinstance(part, dict):
            raise damaged(path, f"it holds no mapping {name.rstrip('.')}".rstrip(), _MEND_RUN)
        for key, kind in wanted.items():
            if not isinstance(part.get(key), kind):
                raise damaged(path, f"`{name}{key}` is gone or no {kind.__name__}", _MEND_RUN)
    checked: dict[str, Any] = record
    return checked


def _get(record: Any, name: str) -> Any:
    return record.get(name) if isinstance(record, dict) else None
