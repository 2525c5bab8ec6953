"""Codes of REFI-QDA, the exchange format of QDA programs: a tree of codes, and the codebook that it is.

A code system has no variables. A folder whose description says `Kind:` is one (the kit writes it so, and programs keep
descriptions); without such a folder all codes are labels of the one variable `code`, any number on a passage.
"""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from codebook.files.xml_text import Element
from codebook.scheme.model import Category, Codebook, RecordList, Variable

ONE_VARIABLE = "code"
"""The variable of a code system that has none."""
QUESTION = "Which codes fit?"
_BOUNDS = ("Minimum", "Maximum", "Step", "Decimals")
_NAMESPACE = uuid.UUID("5e7bd8a4-6ac6-5b7a-9a53-8ea63cd8a1f5")
_SECTION = re.compile(
    r"^(Title|Key|Include|Exclude|Example|Why|Abstain|Kind|Level|Evidence|Confidence|Tables|List|Field"
    r"|Unit|Version|Minimum|Maximum|Step|Decimals): "
)
_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Section(NamedTuple):
    """A line of a description that has a heading: `Include: satire`."""

    heading: str
    text: str


@dataclass(frozen=True)
class RefiCode:
    """A code: its identifier, its name, its names from the top, whether it may be given, what it says."""

    guid: str
    name: str
    path: tuple[str, ...]
    codable: bool = True
    description: str = ""
    children: tuple[RefiCode, ...] = ()

    def walk(self) -> Iterator[RefiCode]:
        """The code and all below it, from the top."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True)
class CodePlace:
    """What a code is in a codebook: a label of a variable."""

    variable: str
    label: str


@dataclass(frozen=True)
class CodeSystem:
    """A tree of codes, and what its sets say of the codebook."""

    codes: tuple[RefiCode, ...]
    about: Mapping[str, str] = field(default_factory=dict)

    @property
    def variables(self) -> list[RefiCode]:
        """The folders that are variables."""
        return [code for code in self.codes if not code.codable and _kind_of(code)]

    def place_codes(self) -> dict[str, CodePlace]:
        """Identifier -> label and variable of every code that may be given.

        A code's label is its name, or its whole path where another code has the same name.
        """
        places = {
            code.guid: CodePlace(folder.name, code.name)
            for folder in self.variables
            for code in folder.walk()
            if code.codable
        }
        inside = {code.guid for folder in self.variables for code in folder.walk()}
        rest = [code for top in self.codes for code in top.walk() if code.codable and code.guid not in inside]
        names = Counter(code.name for code in rest)
        for code in rest:
            label = code.name if names[code.name] == 1 else " > ".join(code.path)
            places[code.guid] = CodePlace(ONE_VARIABLE, label)
        return places


def read_codes(root: Element) -> CodeSystem:
    """Read the codes of a codebook's or project's root element."""
    book = root if root.name == "CodeBook" else root.first("CodeBook")
    codes = book.first("Codes") if book else None
    sets = next((part.first("Sets") for part in (book, root) if part and part.first("Sets")), None)
    about = next((each for each in sets.all("Set") if "Unit: " in each.text_of("Description")), None) if sets else None
    tree = tuple(_read_code(code, ()) for code in codes.all("Code")) if codes else ()
    return CodeSystem(tree, _read_about(about) if about else {})


def _read_code(element: Element, above: tuple[str, ...]) -> RefiCode:
    path = (*above, element.get("name").strip())
    children = tuple(_read_code(child, path) for child in element.all("Code"))
    codable = element.get("isCodable").strip().lower() not in ("false", "0")
    return RefiCode(element.get("guid").lower(), path[-1], path, codable, element.text_of("Description"), children)


def _read_about(element: Element) -> dict[str, str]:
    text, sections = split_sections(element.text_of("Description"))
    return {"name": element.get("name"), "instructions": text} | {each.heading.lower(): each.text for each in sections}


def split_sections(description: str) -> tuple[str, list[Section]]:
    r"""Split a description into its text and the lines that have a heading; what is indented belongs to such a line.

    Examples
    --------
    >>> split_sections("costs of housing\nInclude: heating\n  and water")
    ('costs of housing', [Section(heading='Include', text='heating\nand water')])
    """
    text, sections = list[str](), list[Section]()
    for line in description.replace("\r\n", "\n").split("\n"):
        if match := _SECTION.match(line):
            sections.append(Section(match[1], line[match.end() :]))
        elif sections and (line.startswith("  ") or not line):
            sections[-1] = Section(sections[-1].heading, f"{sections[-1].text}\n{line[2:]}")
        elif not sections:
            text.append(line)
    return "\n".join(text).strip(), [Section(each.heading, each.text.rstrip("\n")) for each in sections]


def join_sections(text: str, sections: Iterable[Section]) -> str:
    """The description that `split_sections` splits; what is empty is left out."""
    lines = [f"{each.heading}: {each.text}".replace("\n", "\n  ") for each in sections if each.text]
    return "\n".join([*([text] if text else []), *lines])


def _kind_of(code: RefiCode) -> str:
    return next((each.text for each in split_sections(code.description)[1] if each.heading == "Kind"), "")


# -- a code system as a codebook -----------------------------------------------------------------------------------


def draft_codebook(system: CodeSystem, name: str, answers: Mapping[str, str]) -> dict[str, Any]:
    """Return a code system as the fields of a codebook.

    Parameters
    ----------
    name
        Of the codebook, where the file names none.
    answers
        kind, level and question of the one variable of a system without variables.
    """
    about = system.about
    variables = [_draft_variable(folder) for folder in system.variables]
    places = system.place_codes()
    rest = [code for top in system.codes for code in top.walk() if _is_loose(code, places)]
    if rest:
        fields = {"kind": "multi", "level": "nominal", "question": QUESTION} | dict(answers)
        labels = [_draft_category(code, places[code.guid].label) for code in rest]
        variables.append({"name": ONE_VARIABLE, **fields, "categories": labels})
    heads = {"name": about.get("name", name), "version": about.get("version", "1")}
    heads |= {"unit": about.get("unit", "a passage"), "instructions": about.get("instructions", "")}
    return {**heads, "variables": variables}


def _is_loose(code: RefiCode, places: Mapping[str, CodePlace]) -> bool:
    return code.guid in places and places[code.guid].variable == ONE_VARIABLE


def _draft_category(code: RefiCode, label: str = "") -> dict[str, Any]:
    definition, sections = split_sections(code.description)
    category: dict[str, Any] = {"name": label or code.name, "definition": definition}
    for heading, text in sections:
        match heading:
            case "Title" | "Key":
                category[heading.lower()] = text
            case "Include" | "Exclude":
                category.setdefault(heading.lower(), []).append(text)
            case "Example":
                category.setdefault("examples", []).append({"text": text})
            case "Why" if category.get("examples"):
                category["examples"][-1]["why"] = text
    return category


def _draft_variable(folder: RefiCode) -> dict[str, Any]:
    question, sections = split_sections(folder.description)
    variable: dict[str, Any] = {"name": folder.name, "question": question}
    plain = ("Kind", "Level", "Title", *_BOUNDS)
    variable |= {each.heading.lower(): each.text for each in sections if each.heading in plain}
    variable |= {
        each.heading.lower(): True for each in sections if each.heading in ("Evidence", "Confidence", "Tables")
    }
    if variable["kind"] == "records":
        return variable | {"lists": [_draft_list(code) for code in folder.children]}
    groups: dict[str, list[dict[str, Any]]] = {"categories": [], "abstain": []}
    for code in (code for child in folder.children for code in child.walk() if code.codable):
        abstains = any(each.heading == "Abstain" for each in split_sections(code.description)[1])
        groups["abstain" if abstains else "categories"].append(_draft_category(code))
    return variable | {name: group for name, group in groups.items() if group or name == "categories"}


def _draft_list(code: RefiCode) -> dict[str, Any]:
    definition, sections = split_sections(code.description)
    fields, choices = [], [_draft_category(child) for child in code.children]
    for each in sections:
        if each.heading == "Field":
            name, kind, words = (*(part.strip() for part in each.text.split("|", 2)), "", "")[:3]
            entry: dict[str, Any] = {"name": name, "kind": kind or "text", "definition": words}
            if kind == "choice" and choices:
                entry["categories"], choices = choices, []
            fields.append(entry)
    most = next((each.text for each in sections if each.heading == "List"), "0")
    return {"name": code.name, "definition": definition, "fields": fields, "most": most.removeprefix("at most ")}


# -- a codebook as a code system -----------------------------------------------------------------------------------


def make_guid(*parts: str) -> str:
    """The identifier of something by its names, the same each time.

    Examples
    --------
    >>> make_guid("code", "stance", "for") == make_guid("code", "stance", "for") != make_guid("code", "stance", "no")
    True
    """
    return str(uuid.uuid5(_NAMESPACE, "\0".join(parts)))


def make_codes(codebook: Codebook) -> CodeSystem:
    """Return a codebook as a tree of codes: a folder each variable, a code each category."""
    return CodeSystem(tuple(_make_folder(codebook, variable) for variable in codebook.variables))


def code_guid(codebook: Codebook, variable: str, *names: str) -> str:
    """The identifier of a code, of a list, or of a variable's folder."""
    return make_guid("code", codebook.name, variable, *names)


def _make_folder(codebook: Codebook, variable: Variable) -> RefiCode:
    path = (variable.name,)
    if variable.lists:
        children = [_make_list(codebook, variable, records) for records in variable.lists]
    else:
        children = [
            _make_code(codebook, path, category, abstains=category in variable.abstain)
            for category in (*variable.categories, *variable.abstain)
        ]
    flags = (("Evidence", variable.evidence), ("Confidence", variable.confidence), ("Tables", variable.tables))
    sections = [Section("Title", variable.title), Section("Kind", variable.kind), Section("Level", variable.level)]
    sections += [Section(heading, "yes") for heading, is_on in flags if is_on]
    bounds = variable.model_dump(include={name.lower() for name in _BOUNDS}, exclude_none=True)
    sections += [Section(name.title(), f"{bound:g}") for name, bound in bounds.items()]
    text = join_sections(variable.question, sections)
    return RefiCode(code_guid(codebook, *path), variable.name, path, False, text, tuple(children))


def _make_list(codebook: Codebook, variable: Variable, records: RecordList) -> RefiCode:
    path = (variable.name, records.name)
    choice = next((each for each in records.fields if each.kind == "choice"), None)
    children = tuple(_make_code(codebook, path, category) for category in (choice.categories if choice else ()))
    sections = [Section("List", f"at most {records.most}" if records.most else "")]
    sections += [
        Section("Field", f"{each.name} | {each.kind} | {each.definition}".rstrip(" |")) for each in records.fields
    ]
    text = join_sections(records.definition, sections)
    return RefiCode(code_guid(codebook, *path), records.name, path, not children, text, children)


def _make_code(codebook: Codebook, above: tuple[str, ...], category: Category, *, abstains: bool = False) -> RefiCode:
    sections = [Section("Title", category.title), Section("Key", category.key), Section("Abstain", "yes" * abstains)]
    sections += [Section("Include", text) for text in category.include]
    sections += [Section("Exclude", text) for text in category.exclude]
    for example in category.examples:
        sections += [Section("Example", example.text), Section("Why", example.why if example.text else "")]
    path = (*above, category.name)
    return RefiCode(code_guid(codebook, *path), category.name, path, True, join_sections(category.definition, sections))


def say_about(codebook: Codebook) -> str:
    """What the set of all variables says of the codebook as a whole."""
    return join_sections(codebook.instructions, [Section("Unit", codebook.unit), Section("Version", codebook.version)])


# -- as XML --------------------------------------------------------------------------------------------------------


def spell_codes(system: CodeSystem) -> str:
    """The element `Codes` with everything in it."""
    return "\n".join(["<Codes>", *(line for code in system.codes for line in _spell_code(code)), "</Codes>"])


def _spell_code(code: RefiCode) -> Iterator[str]:
    head = spell_tag("Code", guid=code.guid, name=code.name, isCodable="true" if code.codable else "false")
    inner = [f"<Description>{spell_text(code.description)}</Description>"] if code.description else []
    inner += [line for child in code.children for line in _spell_code(child)]
    if not inner:
        yield f"{head[:-1]} />"
        return
    yield from (head, *inner, "</Code>")


def spell_sets(codebook: Codebook) -> str:
    """The element `Sets` with the one set that says what codebook it is."""
    head = spell_tag("Set", guid=make_guid("set", codebook.name), name=codebook.name)
    members = [
        f"{spell_tag('MemberCode', targetGUID=code_guid(codebook, variable.name))[:-1]} />"
        for variable in codebook.variables
    ]
    about = f"<Description>{spell_text(say_about(codebook))}</Description>"
    return "\n".join(["<Sets>", head, about, *members, "</Set>", "</Sets>"])


def spell_tag(tag: str, **attributes: str) -> str:
    """An opening tag; signs that XML cannot hold are replaced.

    Examples
    --------
    >>> spell_tag("Code", name='a "b" & c')
    '<Code name=\\'a "b" &amp; c\\'>'
    """
    from xml.sax.saxutils import quoteattr  # which brings in all that opens addresses

    words = "".join(f" {name}={quoteattr(fit_xml(value))}" for name, value in attributes.items() if value)
    return f"<{tag}{words}>"


def spell_text(text: str) -> str:
    """Text between tags."""
    from xml.sax.saxutils import escape

    return escape(fit_xml(text)).replace("\r", "&#13;")


def fit_xml(text: str) -> str:
    r"""A text without the control signs that XML cannot hold; a mark stands for each.

    Examples
    --------
    >>> fit_xml("a\x0bb\nc")
    'a\ufffdb\nc'
    """
    return _UNFIT.sub("\ufffd", text)
