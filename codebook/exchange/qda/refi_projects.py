"""Projects of QDA programs (REFI-QDA, files that end in .qdpx): ATLAS.ti, MAXQDA, NVivo and QualCoder write them.

How a file counts characters is found by its quotes (`offset_counting.py`). Nobody writes "seen, no code" there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from codebook.errors import Fault, TableError
from codebook.exchange.collector import Collector
from codebook.exchange.export_source import ExportSource
from codebook.exchange.offset_counting import Place, Put, Span, clean_text, find_counting, place_all
from codebook.exchange.reading import UNKNOWN_CODER, Reading, ReadOptions
from codebook.files.unfolding import Archive
from codebook.files.xml_text import Element, parse_xml
from codebook.ground.quantities import say_count
from codebook.scheme.refi_codes import CodePlace, read_codes

TITLE = "REFI-QDA project"
_SOURCES = {"TextSource", "PDFSource", "PictureSource", "AudioSource", "VideoSource"}
_TEXTS = {"Representation", "Transcript", "TextDescription"}
_MEDIA = ("page", "firstX", "firstY", "secondX", "secondY", "begin", "end", "fromSyncPoint", "toSyncPoint")
_INTERNAL = "internal://"


class Selection(NamedTuple):
    """A passage, or a whole source where it has no place: its codings (user, code), and what is written at it."""

    unit: str
    text: str
    start: int | None
    end: int | None
    quote: str
    note: str
    time: str
    codings: tuple[tuple[str, str], ...]
    is_whole: bool = False


@dataclass
class Project:
    """A project: its users and codes by identifier, its texts as they stand in the file, its selections."""

    where: str
    users: dict[str, str] = field(default_factory=dict)
    codes: Mapping[str, CodePlace] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    units: list[str] = field(default_factory=list)
    selections: list[Selection] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def looks_like(source: ExportSource) -> bool:
    """Whether it is an archive with a project."""
    return any(name.lower().endswith("project.qde") for name in source.packed_names)


def read_export(source: ExportSource, options: ReadOptions) -> Reading:
    """Read the codings of passages, and of whole sources: those that a coder gave one of them are a set."""
    project = read_project(Archive(source.first))
    out = Collector("refi_qda", TITLE, [source.name], options, tells_absence=False)
    placed = [each for each in project.selections if each.start is not None]
    places = [Place(each.text, each.start or 0, each.end or 0, each.quote) for each in placed]
    counting = find_counting(source.name, project.texts, places, end=options.end)
    if placed:
        out.note(f"How the file counts characters, judged by {say_count(len(placed), 'passage')}: {counting}.")
    for sentence in project.notes:
        out.note(sentence)
    put = place_all(project.texts, counting)
    for selection in project.selections:
        _add_rows(project, selection, _find_span(project, selection, put), out)
    _add_untouched(project, out)
    return out.finish()


def _find_span(project: Project, selection: Selection, put: Put) -> Span:
    start, end = -1, -1
    if selection.start is not None:
        start, end = put(Place(selection.text, selection.start, selection.end or 0, ""))
    if start < 0:
        return Span(None, None, selection.quote)
    return Span(start, end, clean_text(project.texts[selection.text])[start:end])


def _add_rows(project: Project, selection: Selection, span: Span, out: Collector) -> None:
    more: dict[str, Any] = span._asdict() | {"note": selection.note, "time": selection.time}
    if not selection.codings:
        out.record()
        out.add(selection.unit, UNKNOWN_CODER, status="uncoded", **more)
    whole: dict[tuple[str, str], list[str]] = {}
    for user, code in selection.codings:
        if code not in project.codes:
            out.record()
            out.set_aside("a coding with a code that the project does not have")
            continue
        place, coder = project.codes[code], project.users.get(user, "")
        if not coder:
            out.count("a coding names no user: it is not known who coded, and it may have been several people")
        if selection.is_whole and coder:
            whole.setdefault((coder, place.variable), []).append(place.label)
            continue
        out.record()
        out.add(selection.unit, coder or out.options.coder_name or UNKNOWN_CODER, place.variable, place.label, **more)
    for (coder, variable), labels in whole.items():
        out.record()
        out.add(selection.unit, coder, variable, labels, **more)


def _add_untouched(project: Project, out: Collector) -> None:
    """A row for each source that nothing is selected in: who saw it, the file cannot tell."""
    touched = {selection.unit for selection in project.selections}
    for unit in project.units:
        if unit not in touched:
            out.add_unmarked(unit, UNKNOWN_CODER, "coding", "not_seen")


# -- the file ------------------------------------------------------------------------------------------------------


def read_project(archive: Archive) -> Project:
    """Read a project out of its archive; nothing is laid down on the disk."""
    names = archive.find("project.qde") or archive.find(".qde")
    if not names:
        fault = Fault(archive.path.name, "there is no project.qde in it", "export the project as REFI-QDA (.qdpx)")
        raise TableError(f"{archive.path.name} is not a REFI-QDA project.", [fault])
    root = parse_xml(archive.read(names[0]), f"{archive.path.name}, {names[0]}")
    project = Project(archive.path.name, codes=read_codes(root).place_codes())
    project.users = _name_users(root, project.notes)
    sources = root.first("Sources")
    elements = [each for each in sources.children if each.name in _SOURCES] if sources else []
    for element, unit in zip(elements, _name_sources(elements, project.notes), strict=True):
        project.units.append(unit)
        _read_source(element, unit, unit, archive, project)
    return project


def _name_users(root: Element, notes: list[str]) -> dict[str, str]:
    """Identifier -> name; users of one name are told apart."""
    users = root.first("Users")
    names = {
        each.get("guid").lower(): each.get("name") or each.get("id") for each in (users.all("User") if users else ())
    }
    return _tell_apart(names, notes, "users")


def _name_sources(elements: list[Element], notes: list[str]) -> list[str]:
    """The name of each source; those of one name are told apart."""
    names = {each.get("guid").lower(): each.get("name") or each.get("guid") for each in elements}
    if len(names) < len(elements):
        return [each.get("name") for each in elements]
    return list(_tell_apart(names, notes, "sources").values())


def _tell_apart(names: dict[str, str], notes: list[str], what: str) -> dict[str, str]:
    twice = [name for name, n in Counter(names.values()).items() if n > 1]
    if twice:
        notes.append(
            f"Several {what} are named {', '.join(twice)}: the start of their identifiers was added to the names."
        )
    return {guid: f"{name} ({guid[:8]})" if name in twice else name for guid, name in names.items()}


def _read_source(element: Element, unit: str, key: str, archive: Archive, project: Project) -> None:
    """Read a source, or a text inside one; `key` names its text."""
    if (text := _read_text(element, archive, project)) is not None:
        project.texts[key] = text
    whole = tuple(_list_codings(element))
    if whole:
        time = element.get("creationDateTime")
        project.selections.append(Selection(unit, key, None, None, "", "", time, whole, is_whole=True))
    for number, child in enumerate(element.children):
        if child.name.endswith("Selection"):
            project.selections.append(_read_selection(child, unit, key))
        elif child.name in _TEXTS:
            _read_source(child, unit, f"{key}, {child.name} {number}", archive, project)


def _read_selection(element: Element, unit: str, key: str) -> Selection:
    is_text = element.name == "PlainTextSelection"
    start, end = (_as_place(element.get(name)) if is_text else None for name in ("startPosition", "endPosition"))
    where = ", ".join(f"{name} {element.get(name)}" for name in _MEDIA if element.get(name)) if not is_text else ""
    note = "; ".join(filter(None, [element.text_of("Description"), where]))
    time = element.get("creationDateTime")
    quote = element.get("name") if is_text else ""
    return Selection(unit, key, start, end, quote, note, time, tuple(_list_codings(element)))


def _as_place(text: str) -> int | None:
    return int(text) if text.strip().lstrip("-").isdecimal() else None


def _list_codings(element: Element) -> Iterator[tuple[str, str]]:
    """Yield user and code of each coding; the user of the selection where the coding names none."""
    selected_by = element.get("creatingUser") if element.name.endswith("Selection") else ""
    for coding in element.all("Coding"):
        reference = coding.first("CodeRef")
        user = coding.get("creatingUser") or selected_by
        yield user.lower(), reference.get("targetGUID").lower() if reference else ""


def _read_text(element: Element, archive: Archive, project: Project) -> str | None:
    """The plain text of a source as it stands in the file; None where it has none, or it lies outside."""
    if (content := element.first("PlainTextContent")) is not None:
        return content.text
    path = element.get("plainTextPath")
    if not path:
        return None
    if not path.startswith(_INTERNAL):
        project.notes.append(f"The text of {element.get('name')} is outside the file and was not opened.")
        return None
    name = path.removeprefix(_INTERNAL).replace("\\", "/").rpartition("/")[2]
    parts = [part for part in archive.find(name) if part.rpartition("/")[2].casefold() == name.casefold()]
    if not parts:
        project.notes.append(f"The text of {element.get('name')} is not in the file.")
        return None
    return _decode(archive.read(parts[0]), f"{project.where}, {parts[0]}")


def _decode(data: bytes, where: str) -> str:
    """Text as it stands, its byte order mark included."""
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        fault = Fault(where, f"it is not valid {encoding.upper()} at byte {error.start:,}", "export the project again")
        raise TableError("A text of the project cannot be read.", [fault]) from None
