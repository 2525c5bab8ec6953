"""A document as Word prints it, of the same parts as the one of LaTeX."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from codebook.outputs.document_parts import Heading, Paragraph, Part, Picture, TableBlock, split_blanks
from codebook.outputs.word_tables import add_table, as_bytes, legal, new_document, set_page


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


_ADD: dict[type, Any] = {
    Heading: _add_heading,
    Paragraph: _add_paragraph,
    TableBlock: add_table,
    Picture: _add_picture,
}
