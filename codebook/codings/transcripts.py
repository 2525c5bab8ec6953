"""Transcripts out of the tidy table: parts of a document joined, checked, and written as one JSON file per document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from codebook.analysis.against_gold.transcript_errors import transcript_accuracy
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.result import Facts, Result
from codebook.codings.frame import check_table
from codebook.errors import Fault, TableError
from codebook.files.decode import read_text
from codebook.files.lines import digest, write_whole
from codebook.ground.quantities import say_count
from codebook.material.unit_store import page_numbers
from codebook.paths import name_record, resolve_path, show_path
from codebook.records import Unit

if TYPE_CHECKING:
    import pandas as pd

PAGE_BREAK = "\n\f\n"
"""What stands between pages in a .txt file."""

_PART = re.compile(r"(?P<name>.+)\.p(?P<first>\d{3,})-(?P<last>\d{3,})", re.DOTALL)
_UNSAFE = re.compile(r'[\x00-\x1f<>:"/\\|?*]')
_INDENTED = orjson.OPT_INDENT_2
_MOST_BYTES = 160
"""Of a file's name: disks take 255, of which endings and names of temporary files need some."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class TranscriptPage(_Strict):
    """A page: its number, its text (empty where nothing is printed), doubtful words, and tables as rows of cells."""

    page: Annotated[int, Field(ge=1)]
    text: str
    unsure: list[str] = []
    tables: list[list[list[str]]] = []


class MissingPart(_Strict):
    """Pages that there is no transcript of, and why (a word of the tidy table)."""

    unit_id: str
    first: int = 0
    last: int = 0
    why: str
    detail: str = ""


class Transcript(_Strict):
    """A document: who transcribed it, its pages in order, and which parts are missing.

    Examples
    --------
    >>> from codebook.codings.transcripts import TranscriptPage
    >>> page = TranscriptPage(page=1, text="Dear Sir", unsure=["Sir"])
    >>> Transcript(document="letter", coder="ann", pages=[page]).missing
    []
    """

    document: Annotated[str, Field(min_length=1)]
    coder: str
    run_id: str = ""
    pages: list[TranscriptPage]
    missing: list[MissingPart] = []

    @property
    def text(self) -> str:
        """The texts of its pages, parted by an empty line; blank pages leave nothing."""
        return "\n\n".join(page.text for page in self.pages if page.text)

    @model_validator(mode="after")
    def _in_order(self) -> Transcript:
        numbers = [page.page for page in self.pages]
        if any(following <= page for page, following in pairwise(numbers)):
            raise ValueError("the pages are not in order")
        if not self.missing and numbers and numbers[-1] - numbers[0] != len(numbers) - 1:
            raise ValueError("page numbers are missing, and `missing` does not list them")
        return self


@dataclass(frozen=True, repr=False, eq=False)
class Transcripts(Mapping[str, Transcript]):
    """The transcript of each document, by its name, in the order of the table.

    Attributes
    ----------
    documents
        Transcript by name.
    home
        The folder of the run: for the files and the results.

    Examples
    --------
    >>> from codebook.codings.transcripts import TranscriptPage
    >>> letter = Transcript(document="letter", coder="ann", pages=[TranscriptPage(page=1, text="Dear Sir")])
    >>> list(Transcripts({"letter": letter}))
    ['letter']
    """

    documents: Mapping[str, Transcript]
    home: Path | None = None

    def __getitem__(self, name: str) -> Transcript:
        return self.documents[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.documents)

    def __len__(self) -> int:
        return len(self.documents)

    def __repr__(self) -> str:
        n_pages = sum(len(each.pages) for each in self.values())
        n_lacking = sum(bool(each.missing) for each in self.values())
        lacking = f"pages are missing in {say_count(n_lacking, 'document')}" if n_lacking else "no page is missing"
        return f"{say_count(len(self), 'document')}, {say_count(n_pages, 'page')}; {lacking}."

    @property
    def texts(self) -> dict[str, str]:
        """The text of each document."""
        return {name: transcript.text for name, transcript in self.items()}

    @property
    def outputs(self) -> Path | None:
        """The folder into which results are saved."""
        return self.home and self.home / "outputs"

    def write(self, folder: str | Path = "", *, text: bool = False) -> Result:
        """Write one JSON file per document, named after it, and say what was written; each whole or not at all.

        A document of which no page came back is not written. `transcript.schema.json` holds the JSON schema.

        Parameters
        ----------
        folder
            `transcripts` in the run's folder where empty.
        text
            Write a .txt beside each, with a form feed between pages.

        Returns
        -------
        Result
            A row per document: `document file n_pages n_blank n_unsure missing`; `file` is empty where none was
            written, `missing` says which units have no transcript and why.

        Raises
        ------
        TableError
            Two documents would have the same file.
        """
        import pandas as pd

        place = resolve_path(folder) if folder else (self.home or resolve_path(".")) / "transcripts"
        names = _name_files(self)
        write_whole(place / "transcript.schema.json", orjson.dumps(Transcript.model_json_schema(), option=_INDENTED))
        for document, transcript in self.items():
            if transcript.pages:
                path = place / f"{names[document]}.json"
                write_whole(path, orjson.dumps(transcript.model_dump(), option=_INDENTED | orjson.OPT_APPEND_NEWLINE))
                if text:
                    pages = PAGE_BREAK.join(page.text for page in transcript.pages)
                    write_whole(path.with_name(f"{names[document]}.txt"), f"{pages}\n".encode())
        frame = pd.DataFrame(list(_describe(self, names, place)))
        note = "One JSON file per document, and its text beside it." if text else "One JSON file per document."
        facts = Facts(len(frame))
        return Result(
            frame, "transcripts", "Transcripts", "transcripts", facts, f"{self}", (note,), outputs=self.outputs
        )

    def against(
        self, truth: Mapping[str, str], *, floors: Mapping[str, float] | None = None, other: str = "to compare"
    ) -> Result:
        """Character error rate and word recall against known texts, as of `transcript_accuracy`.

        Parameters
        ----------
        truth
            Text of each document; those without a transcript are left out.
        floors
            Error rates of the program `other`, to compare with.
        """
        known = {name: truth[name] for name in self if name in truth}
        result = transcript_accuracy(self.texts, known, floors=floors, other=other)
        return replace(result, outputs=self.outputs)


def join_transcripts(
    codings: Codings | pd.DataFrame,
    *,
    units: Iterable[Unit] = (),
    variable: str = "",
    coder: str = "",
    draw: int = 0,
    home: Path | None = None,
) -> Transcripts:
    """Return the transcript of each document of codings, or of their table.

    Parts ("minutes.p051-100") are joined. A part without a label, or whose pages are not those that were sent, is among
    the document's `missing`.

    Parameters
    ----------
    units
        The units of the run (`Run.units()`), which tell the pages that were sent of documents in one part.
    variable, coder, draw
        Whose transcripts; variable and coder may be left out where there is only one.
    home
        The folder of the run.

    Raises
    ------
    TableError
        What is given is no table of codings, there are several variables or coders and none is named, or a label is no
        transcription.

    Examples
    --------
    >>> import json
    >>> from codebook.codings import make_table
    >>> reply = json.dumps({"pages": [{"page": 1, "text": "Dear Sir"}]})
    >>> table = make_table([{"unit_id": "letter", "coder": "ann", "variable": "page", "label": reply}])
    >>> join_transcripts(table, units=[Unit("letter", "")])["letter"].pages[0].text
    'Dear Sir'
    """
    table = codings.frame if isinstance(codings, Codings) else check_table(codings)
    rows = _choose(table, variable, coder, draw)
    sent, losses = dict[str, range | None](), dict[str, str]()
    for unit in units:
        sent[unit.unit_id], losses[unit.unit_id] = page_numbers(unit), unit.loss
    parts: dict[str, list[tuple[range | None, Mapping[Any, Any]]]] = {}
    for row in rows.to_dict("records"):
        name, pages = _read_name(str(row["unit_id"]))
        parts.setdefault(name, []).append((pages or sent.get(str(row["unit_id"])), row))
    return Transcripts({name: _join(name, sides, losses.get(name, "")) for name, sides in parts.items()}, home)


def _choose(table: pd.DataFrame, variable: str, coder: str, draw: int) -> pd.DataFrame:
    """The rows of one variable, coder and draw."""
    rows = table[table["draw"] == draw]
    for column, wanted in (("variable", variable), ("coder", coder)):
        names = sorted(rows[column].unique()) if not wanted else [wanted]
        if len(names) > 1:
            problem = f"the table has several: {', '.join(map(repr, names))}"
            raise TableError(
                "Transcripts need one variable and one coder.", [Fault(column, problem, f"pass `{column}`")]
            )
        rows = rows[rows[column].isin(names)]
    return rows


def _read_name(unit_id: str) -> tuple[str, range | None]:
    """(document, its pages) of a unit; the pages are known of a part only."""
    part = _PART.fullmatch(unit_id)
    return (part["name"], range(int(part["first"]), int(part["last"]) + 1)) if part else (unit_id, None)


def _join(name: str, parts: list[tuple[range | None, Mapping[Any, Any]]], loss: str) -> Transcript:
    """The transcript of a document out of its parts; `loss` says which of its images were damaged and not sent."""
    pages: list[dict[str, Any]] = []
    missing: list[dict[str, Any]] = [{"unit_id": name, "why": "absent", "detail": loss}] if loss else []
    for sent, row in sorted(parts, key=lambda part: part[0].start if part[0] else 0):
        why, detail, read = _read_part(row, sent)
        pages += read
        if why:
            ends = {"first": sent.start, "last": sent[-1]} if sent else {}
            missing.append({"unit_id": str(row["unit_id"]), "why": why, "detail": detail} | ends)
    about = {"document": name, "coder": str(parts[0][1]["coder"]), "run_id": str(parts[0][1]["run_id"])}
    return _validate(about | {"pages": pages, "missing": missing}, name)


def _read_part(row: Mapping[Any, Any], sent: range | None) -> tuple[str, str, list[dict[str, Any]]]:
    """(why, detail, pages) of a row: either it says why it has no pages, or it has them."""
    if not isinstance(row["label"], str):
        return str(row["why"]), str(row.get("detail") or ""), []
    try:
        pages: list[dict[str, Any]] = orjson.loads(row["label"])["pages"]
        numbers = [page["page"] for page in pages]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        mend = "name the variable of the transcriptions"
        fault = Fault(f"unit {row['unit_id']!r}", "the label is not a transcription", mend)
        raise TableError("The table has no transcripts.", [fault]) from None
    if sent is not None and numbers != list(sent):
        ends = f"{sent.start} to {sent[-1]}"
        return (
            "invalid",
            f"pages {ends} were sent, but {say_count(len(numbers), 'page')} from {numbers[0]} on came back",
            [],
        )
    return "", "", pages


def _name_files(documents: Iterable[str]) -> dict[str, str]:
    """File names by document, refusing two that are the same but for capitals."""
    names = {document: _shorten(_UNSAFE.sub("_", document).strip(". ") or "_") for document in documents}
    seen: dict[str, str] = {"transcript.schema": "transcript.schema"}
    for document, name in names.items():
        if (other := seen.setdefault(name.casefold(), document)) != document:
            fault = Fault(f"documents {other!r} and {document!r}", "their files would have the same name", "rename one")
            raise TableError("The transcripts cannot be written.", [fault])
    return names


def _shorten(name: str) -> str:
    """A name that any disk takes: of a long one the beginning, and a digest that keeps it apart from others.

    Examples
    --------
    >>> _shorten("minutes"), len(_shorten("é" * 300).encode())
    ('minutes', 159)
    """
    raw = name.encode()
    if len(raw) <= _MOST_BYTES:
        return name
    return f"{raw[: _MOST_BYTES - 9].decode(errors='ignore')}-{digest(name)[:8]}"


def _describe(
    transcripts: Mapping[str, Transcript], names: Mapping[str, str], folder: Path
) -> Iterator[dict[str, object]]:
    for document, transcript in transcripts.items():
        yield {
            "document": document,
            "file": name_record(folder / f"{names[document]}.json") if transcript.pages else "",
            "n_pages": len(transcript.pages),
            "n_blank": sum(not page.text for page in transcript.pages),
            "n_unsure": sum(len(page.unsure) for page in transcript.pages),
            "missing": "; ".join(
                f"{part.unit_id}: {part.why}" + (f" ({part.detail})" if part.detail else "")
                for part in transcript.missing
            ),
        }


def _validate(value: Any, where: str) -> Transcript:
    try:
        return Transcript.model_validate(value)
    except ValidationError as error:
        faults = [
            Fault(f"{where}, {'.'.join(map(str, detail['loc']))}", detail["msg"], "transcribe the document again")
            for detail in error.errors()
        ]
        raise TableError("A transcript does not follow its schema.", faults) from None


def read_texts(folder: str | Path, pattern: str = "*.txt", *, needed: bool = True) -> dict[str, str]:
    """Return the texts of a folder's files by their names without suffix, such as the known texts of documents.

    Parameters
    ----------
    needed
        Whether it is an error that no file fits.

    Raises
    ------
    TableError
        No file fits the pattern.
    UnitsError
        A file is not UTF-8.

    Examples
    --------
    >>> import codebook as cb
    >>> _ = Path("known.txt").write_text("A page.")
    >>> read_texts(".", "known*.txt")
    {'known': 'A page.'}
    """
    folder = resolve_path(folder)
    paths = sorted(path for path in folder.glob(pattern) if path.is_file())
    if not paths and needed:
        fault = Fault(show_path(folder), f"no file matches {pattern!r}", "correct the folder or the pattern")
        raise TableError("There are no texts.", [fault])
    return {path.stem: read_text(path) for path in paths}


def read_error_rates(path: str | Path, column: str = "tesseract_cer") -> dict[str, float]:
    """Return the character error rates of another program by document, from a JSON list with `file` and rates.

    Parameters
    ----------
    path
        Empty for none.
    column
        Key of the rates.

    Raises
    ------
    TableError
        The file is not such a list.

    Examples
    --------
    >>> import codebook as cb
    >>> _ = Path("rates.json").write_text('[{"file": "letter.pdf", "tesseract_cer": 0.03}]')
    >>> read_error_rates("rates.json")
    {'letter': 0.03}
    """
    if not path:
        return {}
    place = resolve_path(path)
    try:
        return {Path(row["file"]).stem: float(row[column]) for row in orjson.loads(place.read_bytes())}
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        fault = Fault(
            show_path(place), f"{type(error).__name__}: {error}", f"give a JSON list of `file` and `{column}`"
        )
        raise TableError("The error rates cannot be read.", [fault]) from None
