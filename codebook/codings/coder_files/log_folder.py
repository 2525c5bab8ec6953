"""A coding folder as an entry of `coders.yaml`: `{file: coding, format: coding_logs}`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from codebook.coding.log_codings import read_logs
from codebook.codings.coder_files.coding_source import CodingSource
from codebook.codings.coder_files.label_files import Codings
from codebook.scheme import Codebook

_KEY = ("unit_id", "coder", "variable", "draw")
_CELLS = ("label", "why", "evidence", "confidence", "detail", "seconds", "note", "flag", "time", "arm", "suggestion")


def read_log_folder(source: CodingSource, folder: Path, codebook: Codebook) -> Codings:
    """Read what people coded by assignment, from the logs of a coding folder."""
    tidy = read_logs(folder / source.file, codebook)
    codings = Codings(source, sentences=[*tidy.notes[1:]])
    for row in tidy.frame.to_dict("records"):
        codings.counts["rows"] += 1
        unit, coder, variable, draw = (row[name] for name in _KEY)
        name = source.rename_coders.get(coder, coder)
        codings.counts["other coder"] += name != coder
        codings.rows[unit, name, variable, draw] = {cell: _known(row[cell]) for cell in _CELLS}
    return codings


def _known(cell: Any) -> Any:
    return None if cell != cell else cell
