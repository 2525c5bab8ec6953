"""XML of strangers: read without entities, by local names, so that a prefix makes no difference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from codebook.errors import Fault, InputError, TableError


@dataclass
class Element:
    """An element: its name without namespace, its attributes, its own text before the first child, its children."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Element] = field(default_factory=list)
    text: str = ""

    def get(self, name: str) -> str:
        """An attribute, or "" where it is not there."""
        return self.attributes.get(name, "")

    def all(self, *names: str) -> Iterator[Element]:
        """The children of these names, in order."""
        return (child for child in self.children if child.name in names)

    def first(self, name: str) -> Element | None:
        """The first child of this name."""
        return next(self.all(name), None)

    def text_of(self, name: str) -> str:
        """The text of the first child of this name; "" where there is none."""
        child = self.first(name)
        return child.text if child else ""


def parse_xml(data: bytes, where: str, error: type[InputError] = TableError) -> Element:
    r"""Parse XML, refusing a document type (it may define entities that fill a memory or open files).

    Examples
    --------
    >>> root = parse_xml(b'<a:Code xmlns:a="urn:x" name="rent"><a:Description>costs</a:Description></a:Code>', "x.qdc")
    >>> root.name, root.get("name"), root.text_of("Description")
    ('Code', 'rent', 'costs')
    """
    builder = _Builder()
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = builder.start, builder.end
    parser.CharacterDataHandler = builder.add_text
    parser.StartDoctypeDeclHandler = builder.refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as problem:
        fault = Fault(
            f"{where}, line {problem.lineno}", f"it is not valid XML ({expat.ErrorString(problem.code)})", _EXPORT
        )
        raise error(f"{where} cannot be read.", [fault]) from None
    except _DoctypeError:
        fault = Fault(
            f"{where}, line {parser.CurrentLineNumber}",
            "it declares a document type, which is not allowed here",
            _EXPORT,
        )
        raise error(f"{where} is not opened.", [fault]) from None
    return builder.stack[0].children[0]


_EXPORT = "export it again from the tool that made it"


class _DoctypeError(Exception):
    pass


class _Builder:
    """The elements that are open, the outermost first."""

    def __init__(self) -> None:
        self.stack = [Element("")]

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = {key.rpartition("}")[2]: value for key, value in attributes.items()}
        element = Element(name.rpartition("}")[2], local)
        self.stack[-1].children.append(element)
        self.stack.append(element)

    def end(self, _: str) -> None:
        self.stack.pop()

    def add_text(self, text: str) -> None:
        if not self.stack[-1].children:
            self.stack[-1].text += text

    def refuse(self, *_: object) -> None:
        raise _DoctypeError
