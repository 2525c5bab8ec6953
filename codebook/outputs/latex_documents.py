r"""A document as LaTeX prints it: an `article` on A4 that compiles as it is, of the same parts as the one of Word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from codebook.outputs.document_parts import Heading, Paragraph, Part, Picture, TableBlock, place_citation
from codebook.outputs.latex_tables import latex_table, latex_text
from codebook.outputs.templating import render_plain

_SECTIONS = {1: "section", 2: "subsection", 3: "paragraph"}


def write_latex(
    parts: Iterable[Part], *, title: str, bibliography: str = "", places: Mapping[str, str] | None = None
) -> str:
    r"""Return parts as a LaTeX document.

    Parameters
    ----------
    bibliography
        The BibTeX file whose entries are cited, without its ending; empty for none.
    places
        Where the document finds the tables that lie in files of their own: place by name of the table.
    """
    body, is_list = list[str](), False
    for part in parts:
        is_item = isinstance(part, Paragraph) and part.is_item
        if is_item != is_list:
            body.append(r"\begin{itemize}" if is_item else r"\end{itemize}")
        is_list = is_item
        body.append(_write(part, places or {}))
    body += [r"\end{itemize}"] * is_list
    return render_plain("paper.tex.j2", title=latex_text(title), body="\n".join(body), bibliography=bibliography)


def _write(part: Part, places: Mapping[str, str]) -> str:
    if isinstance(part, Heading):
        return f"\n\\{_SECTIONS[part.level]}{{{latex_text(part.text)}}}" if part.level else ""
    if isinstance(part, TableBlock):
        if place := places.get(part.name):
            return f"\\input{{{place}}}"
        about = {"name": part.name, "title": part.title, "note": part.note, "finding": part.finding}
        return latex_table(dict(part.printed), **about)
    if isinstance(part, Picture):
        return render_plain("paper_figure.tex.j2", name=part.path.stem, caption=latex_text(part.caption), part=part)
    pieces = place_citation(part, rf"~\citep{{{','.join(part.cites)}}}")
    texts = [
        piece if is_blank is None else rf"\blank{{{latex_text(piece)}}}" if is_blank else latex_text(piece)
        for piece, is_blank in pieces
    ]
    item = "\\item " if part.is_item else ""
    return f"{item}{''.join(texts).rstrip()}\n"
