"""Tables as a paper prints them: booktabs LaTeX, Word, and HTML that stands alone."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, Any

from codebook.errors import MissingExtraError
from codebook.outputs.cells import frame_html, frame_texts
from codebook.outputs.templating import render

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 100
"""Rows up to which a table is printed without being asked for; a longer one is data, not a table of a paper."""

_WIDE = 40  # characters from which on a column of words is broken into lines
_PAGE_ROWS = 40  # in LaTeX; longer tables go over several pages
_LATEX = {char: f"\\{char}" for char in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "−": "$-$",
    "[": "{[}",
}


def latex_text(text: object) -> str:
    """Return a text so that LaTeX prints it as it stands.

    Examples
    --------
    >>> print(latex_text("R&D_2: 5 % of $9, p <.001"))
    R\\&D\\_2: 5 \\% of \\$9, p $<$.001
    """
    return re.sub(r"[&%$#_{}\\~^<>−\[]", lambda char: _LATEX[char[0]], str(text))


def latex_table(frame: pd.DataFrame, *, name: str, title: str, note: str = "", places: int = 2) -> str:
    """Return a frame as a booktabs table; long ones break over pages."""
    texts, numeric = frame_texts(frame, places)
    long = len(texts) > _PAGE_ROWS
    style = texts.style.hide(axis="index").format(latex_text).format_index(latex_text, axis=1)
    source: str = style.to_latex(
        hrules=True,
        caption=latex_text(title),
        label=f"tab:{name}",
        column_format=_columns(texts, numeric),
        position=None if long else "htbp",
        position_float=None if long else "centering",
        environment="longtable" if long else None,
    )
    needs = "% needs " + "".join(rf"\usepackage{{{package}}}" for package in ("booktabs", *["longtable"] * long))
    footnote = f"\\par\\smallskip{{\\footnotesize {latex_text(note)}\\par}}\n" if note else ""
    end = "\\end{longtable}\n" if long else "\\end{tabular}\n"
    return f"{needs}\n{source.replace(end, end + footnote, 1)}"


def _columns(texts: pd.DataFrame, numeric: list[bool]) -> str:
    """Numbers to the right, words to the left, sentences in columns that share most of the line."""
    wide = [texts.iloc[:, at].str.len().max() > _WIDE for at in range(texts.shape[1])] if len(texts) else []
    share = rf"p{{{0.75 / max(1, sum(wide)):.2f}\linewidth}}"
    kinds = zip(numeric, wide or [False] * len(numeric), strict=True)
    return "".join("r" if number else share if is_wide else "l" for number, is_wide in kinds)


def html_table(frame: pd.DataFrame, *, name: str, title: str, note: str = "", places: int = 2) -> str:
    """Return a frame as an HTML page of its own; every text is escaped."""
    return (
        render("saved_table.html.j2", name=name, title=title, note=note, table=frame_html(frame, places=places)) + "\n"
    )


def word_table(frame: pd.DataFrame, *, name: str, title: str, note: str = "", places: int = 2) -> bytes:
    """Return a frame as a Word document: title, a table with three rules, note.

    Raises
    ------
    MissingExtraError
        python-docx is not installed.
    """
    try:
        from docx import Document
        from docx.enum.text import WD_ALIGN_PARAGRAPH
        from docx.shared import Pt
    except ImportError:
        raise MissingExtraError("A table for Word", "word") from None
    texts, numeric = frame_texts(frame, places)
    document = Document()
    document.core_properties.author = document.core_properties.comments = ""
    document.core_properties.title = title
    document.add_paragraph(_legal(title)).runs[0].bold = True
    table = document.add_table(rows=1 + len(texts), cols=max(1, len(texts.columns)))
    rows = [list(texts.columns), *texts.to_numpy().tolist()]
    for row, values in zip(table.rows, rows, strict=True):
        for cell, value, number in zip(row.cells, values, numeric, strict=True):
            paragraph = cell.paragraphs[0]
            paragraph.add_run(_legal(value)).font.size = Pt(9)
            paragraph.paragraph_format.space_after = Pt(1)
            paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT if number else WD_ALIGN_PARAGRAPH.LEFT
    _rule(table)
    if note:
        document.add_paragraph().add_run(_legal(note)).font.size = Pt(8)
    room = BytesIO()
    document.save(room)
    return _undated(room)


def _legal(text: str) -> str:
    """The text without characters that XML cannot hold."""
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "\ufffd", text)


def _rule(table: Any) -> None:
    """Rules above and below the table, and under its head."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    def border(parent: Any, holder: str, sides: dict[str, int]) -> None:
        borders = OxmlElement(holder)
        for side, width in sides.items():
            line = OxmlElement(f"w:{side}")
            for key, value in (("val", "single"), ("sz", str(width)), ("space", "0"), ("color", "000000")):
                line.set(qn(f"w:{key}"), value)
            borders.append(line)
        parent.append(borders)

    border(table._tbl.tblPr, "w:tblBorders", {"top": 12, "bottom": 12})
    for cell in table.rows[0].cells:
        border(cell._tc.get_or_add_tcPr(), "w:tcBorders", {"bottom": 6})


def _undated(room: BytesIO) -> bytes:
    """The same document without the time of its making, so that the same table is the same file."""
    out = BytesIO()
    with zipfile.ZipFile(room) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), source.read(name), zipfile.ZIP_DEFLATED)
    return out.getvalue()


MAKERS: dict[str, Callable[..., str | bytes]] = {"tex": latex_table, "html": html_table, "docx": word_table}
"""What makes each kind of file."""
