"""WebAnno TSV 3, as INCEpTION and WebAnno write it: a line per token, a column per feature, stacked values by number.

Places are units of UTF-16; a backslash escapes the signs that have a meaning. A folder is read file by file: the coder
is the folder or the file, as the tool lays them out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from codebook.errors import Fault, TableError
from codebook.exchange.collector import Collector
from codebook.exchange.export_source import ExportSource, read_head
from codebook.exchange.offset_counting import Place, find_counting, place_all
from codebook.exchange.reading import UNKNOWN_CODER, Reading, ReadOptions
from codebook.files.decode import read_text
from codebook.ground.quantities import say_count

TITLE = "WebAnno TSV (INCEpTION)"
HEAD = "#FORMAT=WebAnno TSV 3"
_TEXT = "#Text="
_KINDS = {"#T_SP=": "span", "#T_RL=": "relation", "#T_CH=": "chain"}
_NUMBER = re.compile(r"^(?P<value>.*?)(?<!\\)\[(?P<number>\d+)\]$", re.DOTALL)
_ESCAPED = re.compile(r"\\(->|.)", re.DOTALL)
_DOCUMENT = re.compile(r"\.\w{2,5}$")
_N_LOOKED = 3
_SIGNS = {"n": "\n", "t": "\t", "r": "\r"}


class Layer(NamedTuple):
    """A layer of the header: span, relation or chain, its short name, its features, and its first column."""

    kind: str
    name: str
    features: tuple[str, ...]
    column: int


@dataclass
class Annotation:
    """One annotation: the layer, where it stands by the file, and its value by feature ("" for none)."""

    layer: Layer
    start: int
    end: int
    values: dict[str, str] = field(default_factory=dict)


@dataclass
class TokenFile:
    """A file: its text as far as the sentences give it, its annotations, its tokens by place."""

    text: str = ""
    annotations: list[Annotation] = field(default_factory=list)
    tokens: list[Place] = field(default_factory=list)
    n_links: int = 0


def read_tokens(text: str, where: str) -> TokenFile:
    """Read a file of WebAnno TSV 3."""
    layers, sentences, lines = _split(text)
    faults = [fault for number, cells in lines if (fault := _find_fault(where, number, cells, layers))]
    TableError.raise_any(f"{where} is not valid WebAnno TSV.", faults[:5])
    tokens = [_read_token(cells) for _, cells in lines if "." not in cells[0]]
    file = TokenFile(_build_text(sentences, lines), tokens=tokens)
    for layer in layers:
        if layer.kind == "span":
            file.annotations += _read_layer(layer, [cells for _, cells in lines])
        else:
            file.n_links += sum(cells[layer.column] != "_" for _, cells in lines if len(cells) > layer.column)
    file.annotations.sort(key=lambda each: (each.start, each.end))
    return file


Line = tuple[int, list[str]]


def _split(text: str) -> tuple[list[Layer], dict[str, str], list[Line]]:
    """The layers, the text of each sentence by the number of its line's tokens, and the lines of tokens."""
    layers, sentences, lines, column = list[Layer](), dict[str, str](), list[Line](), 3
    waiting: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.rstrip("\r")
        if line[:6] in _KINDS:
            layer = _read_layer_head(line, column)
            layers.append(layer)
            column += max(1, len(layer.features))
        elif line.startswith(_TEXT):
            waiting.append(unescape(line.removeprefix(_TEXT)))
        elif line and not line.startswith("#"):
            cells = line.split("\t")
            sentences.setdefault(cells[0].partition("-")[0], "\n".join(waiting))
            waiting = []
            lines.append((number, cells))
    return layers, sentences, lines


def _read_layer_head(line: str, column: int) -> Layer:
    name, *features = line[6:].split("|")
    return Layer(_KINDS[line[:6]], name.rpartition(".")[2], tuple(each for each in features if each), column)


def _find_fault(where: str, number: int, cells: Sequence[str], layers: Sequence[Layer]) -> Fault | None:
    n_least = max((layer.column + max(1, len(layer.features)) for layer in layers), default=3)
    if len(cells) < n_least:
        problem = f"{say_count(len(cells), 'column')}, but the header announces {n_least}"
        return Fault(f"{where}, line {number}", problem, "export the document again as WebAnno TSV 3.3")
    if not re.fullmatch(r"\d+-\d+", cells[1]):
        return Fault(f"{where}, line {number}", f"{cells[1]!r} is not a position", "export the document again")
    return None


def _read_token(cells: Sequence[str]) -> Place:
    start, end = map(int, cells[1].split("-"))
    return Place("text", start, end, cells[2])


def _build_text(sentences: dict[str, str], lines: Sequence[Line]) -> str:
    """Put the sentences where their tokens say, in units of UTF-16; what stands between them is left as blanks."""
    units = b""
    seen: set[str] = set()
    for _, cells in lines:
        name = cells[0].partition("-")[0]
        if name in seen or "." in cells[0]:
            continue
        seen.add(name)
        sentence = sentences[name]
        before = sentence.find(cells[2])
        begin = int(cells[1].split("-")[0]) - len(_utf16(sentence[: max(before, 0)])) // 2
        gap = begin - len(units) // 2
        units += _utf16(" " * gap) if gap > 0 else b""
        units += _utf16(sentence)
    return units.decode("utf-16-le", "surrogatepass")


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


def _read_layer(layer: Layer, rows: Sequence[Sequence[str]]) -> Iterator[Annotation]:
    """Yield the annotations of a layer: parts of one number are one, over tokens and over sentences."""
    numbered: dict[str, Annotation] = {}
    columns = [(name, layer.column + place) for place, name in enumerate(layer.features or ("",))]
    for cells in rows:
        start, end = map(int, cells[1].split("-"))
        single: dict[int, Annotation] = {}
        for name, column in columns:
            for place, part in enumerate(_split_cell(cells[column])):
                value, number = _read_part(part)
                if not number:
                    annotation = single.setdefault(place, Annotation(layer, start, end))
                else:
                    annotation = numbered.setdefault(number, Annotation(layer, start, end))
                annotation.start, annotation.end = min(annotation.start, start), max(annotation.end, end)
                if value or name not in annotation.values:
                    annotation.values[name] = value
        yield from single.values()
    yield from numbered.values()


def _split_cell(cell: str) -> list[str]:
    """The stacked values of a cell; none where it holds an underscore alone."""
    return [] if cell == "_" else re.split(r"(?<!\\)(?:\\\\)*\|", cell)


def _read_part(part: str) -> tuple[str, str]:
    r"""A value and its number, each "" where there is none; `*` and `_` are no values.

    Examples
    --------
    >>> _read_part("PER[1]"), _read_part(r"guest\_list"), _read_part("*[2]")
    (('PER', '1'), ('guest_list', ''), ('', '2'))
    """
    match = _NUMBER.match(part)
    value, number = (match["value"], match["number"]) if match else (part, "")
    return ("" if value in ("*", "_") else unescape(value)), number


def unescape(text: str) -> str:
    r"""A text without the backslashes before signs that have a meaning.

    Examples
    --------
    >>> unescape(r"guest\_list \-> \[1\]"), unescape(r"a\\nb"), unescape(r"a\nb")
    ('guest_list -> [1]', 'a\\nb', 'a\nb')
    """
    return _ESCAPED.sub(lambda match: _SIGNS.get(match[1], match[1]), text)


def place_annotations(file: TokenFile, where: str) -> Iterator[tuple[Annotation, int, int, str]]:
    """Yield each annotation with its place in code points and its words, once the tokens stand at their places."""
    texts = {"text": file.text}
    put = place_all(texts, find_counting(where, texts, file.tokens, end="exclusive"))
    for annotation in file.annotations:
        start, end = put(Place("text", annotation.start, annotation.end, ""))
        yield annotation, start, end, file.text[start:end]


def looks_like(source: ExportSource) -> bool:
    """Whether a file of it begins as WebAnno TSV 3 does."""
    return any(read_head(file).startswith(HEAD) for file in source.files[:_N_LOOKED])


def read_export(source: ExportSource, options: ReadOptions) -> Reading:
    """Read every file of WebAnno TSV; a variable is a layer with its feature, such as `Span.value`."""
    files = [file for file in source.files if read_head(file).startswith(HEAD)]
    out = Collector("webanno", TITLE, [file.name for file in files], options, tells_absence=False)
    for file, (unit, coder) in zip(files, name_people(source, files), strict=True):
        coder = options.coder_name or coder
        if coder == "INITIAL_CAS":
            out.note("INITIAL_CAS is the document before anybody coded it; it was left out.")
            continue
        _read_file(file, unit, coder or UNKNOWN_CODER, out)
    return out.finish()


def _read_file(file: Path, unit: str, coder: str, out: Collector) -> None:
    tokens = read_tokens(read_text(file), file.name)
    for _ in range(tokens.n_links):
        out.record()
        out.set_aside("a relation or a link of a chain")
    n_before = out.records
    for annotation, start, end, quote in place_annotations(tokens, file.name):
        out.record()
        for variable, value in _name_values(annotation):
            out.add(unit, coder, variable, value, start=start, end=end, quote=quote)
    if out.records == n_before:
        out.add_unmarked(unit, coder, "annotation")


def _name_values(annotation: Annotation) -> list[tuple[str, str]]:
    """Variable and value of each feature that has one; of an annotation without any the first feature and no value."""
    name, values = annotation.layer.name, annotation.values
    named = [(f"{name}.{feature}" if feature else name, value) for feature, value in values.items()]
    return [pair for pair in named if pair[1]] or named[:1]


def name_people(source: ExportSource, files: Sequence[Path]) -> list[tuple[str, str]]:
    """Unit and coder of each file: coder/document.tsv, or document/coder.tsv as whole projects are exported."""
    folders = [_name_folder(source, file) for file in files]
    stems = {file.stem for file in files}
    by_document = not stems.isdisjoint(("INITIAL_CAS", "CURATION_USER")) or all(map(_DOCUMENT.search, folders))
    if by_document:
        return [(_DOCUMENT.sub("", folder), file.stem) for folder, file in zip(folders, files, strict=True)]
    return [(file.stem, folder) for folder, file in zip(folders, files, strict=True)]


def _name_folder(source: ExportSource, file: Path) -> str:
    """The folder that a file lies in; of what was unpacked, no folder outside of it."""
    is_unpacked = source.folder not in (source.path, source.path.parent)
    return "" if file.parent == source.folder and is_unpacked else file.parent.name
