"""The codebook as parts of a document: for Word, and for the paper."""

from __future__ import annotations

from collections.abc import Iterator

from codebook.outputs.document_parts import Heading, Paragraph, Part, TableBlock
from codebook.scheme import Category, Codebook, Variable


def codebook_parts(book: Codebook) -> Iterator[Part]:
    """The whole codebook, as coders read it."""
    yield Heading(f"Codebook {book.name}, version {book.version}", 0)
    yield Paragraph(f"Unit: {book.unit}")
    if book.instructions:
        yield Paragraph(book.instructions)
    for variable in book.variables:
        yield Heading(variable.title or variable.name)
        yield Paragraph(f"{variable.question} ({variable.told})")
        for category in (*variable.categories, *variable.abstain):
            yield Heading(_name(category), 2)
            yield from _describe(category)
        for records in variable.lists:
            yield Heading(records.name, 2)
            yield from (Paragraph(_field(field.name, field.definition), is_item=True) for field in records.fields)
    yield Paragraph(f"SHA-256 of what this codebook says: {book.digest}")


def _describe(category: Category) -> Iterator[Part]:
    if category.definition:
        yield Paragraph(category.definition)
    yield from (Paragraph(f"Include: {text}", is_item=True) for text in category.include)
    yield from (Paragraph(f"Exclude: {text}", is_item=True) for text in category.exclude)
    for example in category.examples:
        why = f" Because: {example.why}" if example.why else ""
        yield Paragraph(f"Example: {example.text or example.image}{why}", is_item=True)


def _name(category: Category) -> str:
    return f"{category.name}: {category.title}" if category.title else category.name


def _field(name: str, definition: str) -> str:
    return f"{name}: {definition}" if definition else name


def table_of_categories(variable: Variable) -> TableBlock:
    """The categories of a variable with their definitions, as a paper prints them."""
    rows = [(_name(each), each.definition or "–") for each in (*variable.categories, *variable.abstain)]
    rows += [
        (f"{records.name}.{field.name}", field.definition or "–")
        for records in variable.lists
        for field in records.fields
    ]
    printed = {"columns": ["Category", "Definition"], "numeric": [False, False], "rows": rows, "n_rows": len(rows)}
    return TableBlock(f"categories_{variable.name}", f"Categories of {variable.title or variable.name}", printed)
