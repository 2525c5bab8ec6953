"""A table as Word prints it: A4, columns as wide as what stands in them, turned to landscape where it must be.

A document of several parts (`write_word`) has its tables from here, too.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable
from io import BytesIO
from typing import Any

from codebook.errors import MissingExtraError
from codebook.outputs.document_parts import Heading, Paragraph, Part, Picture, TableBlock, split_blanks
from codebook.outputs.panels import GAP, PAGE_WIDTH, Panel, has_intervals, lay_out, say_layout

_SHORT_SIDE, _LONG_SIDE, _MARGIN = 210.0, 297.0, 20.0  # mm
_MOST_WIDTH = 165.0  # mm: of a portrait page's table
_DIGIT = _MOST_WIDTH / PAGE_WIDTH  # mm, of 9 pt
_SIZE, _NOTE_SIZE = 9, 8  # pt
_TOGETHER = 12
"""Rows that no page parts from what comes before: a short table stands on one page."""


def word_table(printed: dict[str, Any], *, name: str, title: str, note: str = "", finding: str = "") -> bytes:
    """Return printed rows as a Word document: title and finding, a table with three rules, note."""
    document = new_document(title)
    widest = add_table(document, TableBlock(name, title, printed, note, finding))
    set_page(document.sections[0], is_wide=widest > _MOST_WIDTH + 0.1)
    return as_bytes(document)


def new_document(title: str) -> Any:
    """Return an empty Word document that names nobody."""
    try:
        from docx import Document
    except ImportError:
        raise MissingExtraError("A table for Word", "word") from None
    document = Document()
    document.core_properties.author = document.core_properties.comments = ""
    document.core_properties.title = title
    return document


def add_table(document: Any, block: TableBlock) -> float:
    """Add a table with title, finding and note, and return how wide it is, in mm."""
    from docx.shared import Pt

    panels = lay_out(block.printed)
    heading = document.add_paragraph()
    heading.add_run(legal(block.title)).bold = True
    if block.finding:
        heading.add_run(legal(f"{'' if block.title[-1:] in '.?!' else '.'} {block.finding}"))
    heading.paragraph_format.keep_with_next = True
    for at, panel in enumerate(panels):
        if at:
            document.add_paragraph().paragraph_format.space_after = Pt(2)  # else Word joins the tables
        _add_panel(document, panel, panel.fit_widths())
    if words := " ".join(filter(None, [say_layout(panels), block.note])):
        below = document.add_paragraph()
        below.paragraph_format.space_before = Pt(4)
        below.add_run(legal(words)).font.size = Pt(_NOTE_SIZE)
    return max(_DIGIT * sum(panel.fit_widths()) for panel in panels)


def as_bytes(document: Any) -> bytes:
    """The document as a file; the same document is the same file."""
    room = BytesIO()
    document.save(room)
    return _undated(room)


def set_page(section: Any, *, is_wide: bool = False) -> None:
    """Make pages A4, turned to landscape where they are wide."""
    from docx.enum.section import WD_ORIENT
    from docx.shared import Mm

    sides = (_LONG_SIDE, _SHORT_SIDE) if is_wide else (_SHORT_SIDE, _LONG_SIDE)
    section.orientation = WD_ORIENT.LANDSCAPE if is_wide else WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = map(Mm, sides)
    for margin in ("left_margin", "right_margin", "top_margin", "bottom_margin"):
        setattr(section, margin, Mm(_MARGIN))


def _add_panel(document: Any, panel: Panel, widths: list[float]) -> None:
    """Add a table whose columns have these widths, in digits; its head repeats on each page."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Mm, Pt

    table = document.add_table(rows=1 + len(panel.rows), cols=max(1, len(panel.columns)))
    table.autofit = False
    sides = [
        WD_ALIGN_PARAGRAPH.RIGHT if number and not has_intervals(texts) else WD_ALIGN_PARAGRAPH.LEFT
        for number, texts in zip(panel.numeric, panel.texts, strict=True)
    ]
    wide = [Mm(_DIGIT * (width + GAP)) for width in widths]
    for column, width in zip(table.columns, wide, strict=False):
        column.width = width
    cells = table._cells  # each of them once: a row finds its cells anew
    for at, text in enumerate(text for row in (panel.columns, *panel.rows) for text in row):
        place = at % len(panel.columns)
        cells[at].width = wide[place]
        paragraph = cells[at].paragraphs[0]
        paragraph.add_run(legal(text)).font.size = Pt(_SIZE)
        paragraph.paragraph_format.space_after = Pt(1)
        paragraph.alignment = sides[place]
        row = at // len(panel.columns)
        paragraph.paragraph_format.keep_with_next = row < min(len(panel.rows), _TOGETHER)
    _rule(table)


def legal(text: str) -> str:
    """The text without characters that XML cannot hold."""
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "\ufffd", text)


def _element(name: str, **attributes: object) -> Any:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    element = OxmlElement(f"w:{name}")
    for key, value in attributes.items():
        element.set(qn(f"w:{key}"), str(value))
    return element


def _rule(table: Any) -> None:
    """Rules above and below the table and under its head, blanks between columns, rows that no page breaks."""
    borders, margins = _element("tblBorders"), _element("tblCellMar")
    for side in ("top", "bottom"):
        borders.append(_element(side, val="single", sz=12, space=0, color="000000"))
    for side, width in (("left", 0), ("right", GAP * _DIGIT)):
        margins.append(_element(side, w=round(width * 1440 / 25.4), type="dxa"))
    look = table._tbl.tblPr.find(_element("tblLook").tag)
    for part in (borders, margins):
        table._tbl.tblPr.append(part) if look is None else look.addprevious(part)
    for cell in table.rows[0].cells:
        line = _element("tcBorders")
        line.append(_element("bottom", val="single", sz=6, space=0, color="000000"))
        cell._tc.get_or_add_tcPr().append(line)
        cell._tc.get_or_add_tcPr().append(_element("vAlign", val="bottom"))
    for at, row in enumerate(table._tbl.tr_lst):
        properties = row.get_or_add_trPr()
        properties.append(_element("cantSplit"))
        if at == 0:
            properties.append(_element("tblHeader"))


def _undated(room: BytesIO) -> bytes:
    """The same document without the time of its making, so that the same table is the same file."""
    out = BytesIO()
    with zipfile.ZipFile(room) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), source.read(name), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def write_word(parts: Iterable[Part], *, title: str) -> bytes:
    """Return parts as a Word document on A4; blanks for a person are marked in yellow."""
    document = new_document(title)
    set_page(document.sections[0])
    _set_type(document)
    for part in parts:
        _ADD[type(part)](document, part)
    return as_bytes(document)


def _set_type(document: Any) -> None:
    """Black headings and captions, no rule under the title, and a text face that every machine has."""
    from docx.shared import Pt, RGBColor

    styles = document.styles
    styles["Normal"].font.name, styles["Normal"].font.size = "Times New Roman", Pt(11)
    sizes = {"Title": 18, "Heading 1": 14, "Heading 2": 12, "Heading 3": 11, "Caption": 9}
    for rule in styles["Title"].element.pPr.findall(_qn("w:pBdr")):
        styles["Title"].element.pPr.remove(rule)
    styles["Caption"].font.bold = False
    for name, size in sizes.items():
        styles[name].font.name, styles[name].font.size = "Times New Roman", Pt(size)
        styles[name].font.color.rgb = RGBColor(0, 0, 0)
        for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
            styles[name].element.rPr.rFonts.attrib.pop(_qn(f"w:{theme}"), None)


def _qn(name: str) -> str:
    from docx.oxml.ns import qn

    return str(qn(name))


def _add_heading(document: Any, part: Heading) -> None:
    document.add_heading(legal(part.text), level=part.level)


def _add_paragraph(document: Any, part: Paragraph) -> None:
    from docx.enum.text import WD_COLOR_INDEX

    paragraph = document.add_paragraph(style="List Bullet" if part.is_item else None)
    for text, is_blank in split_blanks(part.text):
        run = paragraph.add_run(legal(text))
        if is_blank:
            run.font.highlight_color = WD_COLOR_INDEX.YELLOW


def _add_picture(document: Any, part: Picture) -> None:
    from docx.shared import Mm

    document.add_picture(str(part.path.with_suffix(".png")), width=Mm(part.width_mm))
    document.paragraphs[-1].paragraph_format.keep_with_next = True
    document.add_paragraph(legal(part.caption), style="Caption")


_ADD: dict[type, Any] = {Heading: _add_heading, Paragraph: _add_paragraph, TableBlock: add_table, Picture: _add_picture}
