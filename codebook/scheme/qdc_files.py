"""Codebooks of QDA programs (REFI-QDA, files that end in .qdc), read and written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from codebook.errors import Fault, SchemeError
from codebook.files.lines import write_whole
from codebook.ground.quantities import say_count
from codebook.paths import resolve_path, show_path
from codebook.scheme.codebook_changes import Change, diff_codebooks
from codebook.scheme.codebook_file import find_faults
from codebook.scheme.model import Codebook

_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n<CodeBook xmlns="urn:QDA-XML:codebook:1.0" origin="codebook-kit">\n'
_ASKED = ("kind", "level", "question")
_N_SHOWN = 5


def read_qdc(file: Path, answers: Mapping[str, str]) -> Codebook:
    """Read the codebook of a QDA program."""
    where = show_path(file)
    if strange := [key for key in answers if key not in _ASKED]:
        fault = Fault(where, f"{', '.join(strange)} cannot be given for it", f"give {', '.join(_ASKED)}, or nothing")
        raise SchemeError(f"{where} cannot be read like this.", [fault])
    return parse_qdc(file.read_bytes(), where, name_codebook(file.stem), answers)


def parse_qdc(data: bytes, where: str, name: str, answers: Mapping[str, str] | None = None) -> Codebook:
    """Read a codebook out of the XML of one, or of a project's."""
    from codebook.files.xml_text import parse_xml
    from codebook.scheme.refi_codes import draft_codebook, read_codes

    system = read_codes(parse_xml(data, where, SchemeError))
    if not system.codes:
        fault = Fault(where, "there are no codes in it", "export the codebook as REFI-QDA (.qdc)")
        raise SchemeError(f"{where} is no codebook.", [fault])
    raw = draft_codebook(system, name, answers or {})
    faults = [Fault(f"{where}, {'.'.join(map(str, loc))}", problem, mend) for loc, problem, mend in find_faults(raw)]
    SchemeError.raise_any(f"{where} does not make a codebook:", faults)
    return Codebook.model_validate(raw)


def name_codebook(stem: str) -> str:
    """A name for a codebook, of the name of its file.

    Examples
    --------
    >>> name_codebook("My codes (2)"), name_codebook("é")
    ('My-codes--2', 'codebook')
    """
    name = "".join(sign if sign.isascii() and (sign.isalnum() or sign == "_") else "-" for sign in stem)
    return name.strip("-_")[:40] or "codebook"


def write_qdc(codebook: Codebook, path: str | Path) -> str:
    """Write a codebook for QDA programs, and say what such a file cannot hold.

    Variables become folders that say their question, kind and level; categories become codes whose description holds
    definition, include, exclude and examples. Identifiers are made of the names, so two files of one codebook are the
    same to the byte.

    Raises
    ------
    SchemeError
        The path does not end in .qdc.

    Examples
    --------
    >>> from codebook.scheme import parse_codebook, read_codebook
    >>> book = parse_codebook('''
    ... name: letters
    ... unit: a letter
    ... variables:
    ...   - {name: mood, question: How does it sound, kind: single, level: nominal, categories: [good, bad]}
    ... ''')
    >>> import tempfile; folder = tempfile.TemporaryDirectory(); path = Path(folder.name) / "letters.qdc"
    >>> write_qdc(book, path)
    'letters.qdc: 1 variable, 2 codes.'
    >>> read_codebook(path).digest == book.digest
    True
    >>> folder.cleanup()
    """
    from codebook.scheme.refi_codes import make_codes, spell_codes, spell_sets

    file = resolve_path(path)
    if file.suffix.lower() != ".qdc":
        fault = Fault(show_path(file), "it does not end in .qdc", "write a name such as codebook.qdc")
        raise SchemeError("The codebook cannot be written like this.", [fault])
    system = make_codes(codebook)
    data = f"{_HEAD}{spell_codes(system)}\n{spell_sets(codebook)}\n</CodeBook>\n".encode()
    write_whole(file, data)
    n_codes = sum(code.codable for top in system.codes for code in top.walk())
    sentence = f"{file.name}: {say_count(len(codebook.variables), 'variable')}, {say_count(n_codes, 'code')}"
    return f"{sentence}{say_losses(list_losses(codebook, data))}."


def list_losses(codebook: Codebook, data: bytes) -> list[Change]:
    """What of a codebook is not in XML that was written of it: it is read back and compared."""
    try:
        again = parse_qdc(data, "it", codebook.name)
    except SchemeError as error:
        return [Change(fault.where, fault.problem, None) for fault in error.faults]
    return [change for change in diff_codebooks(codebook, again) if (change.before or "") != (change.after or "")]


def say_losses(losses: list[Change]) -> str:
    """Say what is not held, in a clause."""
    if not losses:
        return ""
    places = ", ".join(change.where for change in losses[:_N_SHOWN]) + ", ..." * (len(losses) > _N_SHOWN)
    return f"; {say_count(len(losses), 'entry', 'entries')} of the codebook cannot be kept in such a file ({places})"
