"""Tables as a paper prints them: booktabs LaTeX, Word, and HTML that stands alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from codebook.outputs.cells import rows_html
from codebook.outputs.latex_tables import latex_table
from codebook.outputs.panels import lay_out, say_layout
from codebook.outputs.templating import render
from codebook.outputs.word_tables import word_table

MOST_ROWS = 100
"""Rows up to which a table is printed without being asked for; a longer one is data, not a table of a paper."""


def html_table(printed: dict[str, Any], *, name: str, title: str, note: str = "", finding: str = "") -> str:
    """Return printed rows as an HTML page of its own; every text is escaped."""
    words = " ".join(filter(None, [say_layout(lay_out(printed)), note]))
    about = {"name": name, "title": title, "note": words, "finding": finding}
    return render("saved_table.html.j2", **about, table=rows_html(printed)) + "\n"


MAKERS: dict[str, Callable[..., str | bytes]] = {"tex": latex_table, "html": html_table, "docx": word_table}
"""What makes each kind of file."""
