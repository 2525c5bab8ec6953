"""A codebook for readers: markdown for a paper's appendix, and a panel for a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codebook.scheme.model import Category, Codebook, RecordList, Variable

if TYPE_CHECKING:
    import pandas as pd


def render_markdown(codebook: Codebook) -> str:
    """Write the codebook as Markdown, in full.

    Text of the codebook is escaped, so that nothing in it is read as markup.

    Examples
    --------
    >>> import codebook as cb
    >>> book = cb.read_codebook("codebook.yaml")
    >>> print(render_markdown(book).splitlines()[0])
    # my-study, version 1
    """
    lines = [f"# {_md(codebook.name)}, version {_md(codebook.version)}", "", f"Unit: {_md(codebook.unit)}", ""]
    if codebook.instructions:
        lines += [_md(codebook.instructions), ""]
    for variable in codebook.variables:
        lines += [f"## {_md(variable.name)}", "", f"{_md(variable.question)} ({variable.told})", ""]
        for category in (*variable.categories, *variable.abstain):
            lines += _markdown_category(category, abstains=category in variable.abstain)
        for records in variable.lists:
            lines += _markdown_records(records)
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _markdown_category(category: Category, *, abstains: bool) -> list[str]:
    mark = " (abstention)" if abstains else ""
    title = f", {_md(category.title)}" if category.title else ""
    definition = f": {_md(category.definition)}" if category.definition else ""
    lines = [f"- **{_md(category.name)}**{title}{mark}{definition}"]
    lines += [f"  - include: {_md(text)}" for text in category.include]
    lines += [f"  - exclude: {_md(text)}" for text in category.exclude]
    for example in category.examples:
        lines.append(
            f"  - example: {_md(example.text or example.image)}"
            + (f" Because: {_md(example.why)}" if example.why else "")
        )
    return lines


def _markdown_records(records: RecordList) -> list[str]:
    lines = [f"- **{_md(records.name)}** (list)" + (f": {_md(records.definition)}" if records.definition else "")]
    for field in records.fields:
        words = ", ".join((field.definition, *field.labels)) if field.labels else field.definition
        lines.append(f"  - {_md(field.name)} ({field.kind})" + (f": {_md(words)}" if words else ""))
    return lines


def _md(text: str) -> str:
    """One line of text in which Markdown and HTML read nothing as markup."""
    flat = " ".join(text.split())
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]<>#|$&~" else letter for letter in flat)


def describe_variables(codebook: Codebook) -> pd.DataFrame:
    """Return the variables as a frame: kind, level, categories, abstention codes, and the digest of each.

    Examples
    --------
    >>> import codebook as cb
    >>> book = cb.read_codebook("codebook.yaml")
    >>> describe_variables(book)[["variable", "kind", "level"]]
      variable    kind    level
    0    topic  single  nominal
    """
    from codebook.outputs.readable import ReadableFrame

    return ReadableFrame(
        [
            {
                "variable": variable.name,
                "kind": variable.kind,
                "level": variable.level,
                "categories": ", ".join(variable.scale) or _say_lists(variable),
                "abstention": ", ".join(category.name for category in variable.abstain),
                "digest": codebook.variable_digest(variable.name)[:8],
            }
            for variable in codebook.variables
        ]
    )


def _say_lists(variable: Variable) -> str:
    """Lists of records and their fields on one line."""
    return "; ".join(
        f"{records.name} ({', '.join(field.name for field in records.fields)})" for records in variable.lists
    )


def render_html(codebook: Codebook) -> str:
    """Write the codebook as an HTML panel for a notebook. Every text is escaped.

    Examples
    --------
    >>> import codebook as cb
    >>> render_html(cb.read_codebook("codebook.yaml"))[:5]
    '<div '
    """
    from codebook.outputs.templating import render

    return render("codebook.html.j2", book=codebook)
