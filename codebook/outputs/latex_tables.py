r"""A table as LaTeX prints it: booktabs, no wider than the page, over several pages where it is long.

It compiles in `article` on A4 with booktabs (a long one with longtable, too) and nothing else; widths are those of
Computer Modern in `\small`, in which it is set. A document of several parts (`write_latex`) has its tables from here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import starmap
from typing import Any

from codebook.outputs.document_parts import Heading, Paragraph, Part, Picture, TableBlock, place_citation
from codebook.outputs.panels import GAP, PAGE_WIDTH, Panel, has_intervals, lay_out, say_layout
from codebook.outputs.templating import render_plain
from codebook.outputs.text_widths import break_text, wrap_head

_DIGIT = 4.63  # points: the width of a digit in \small
_LINE = 455.0  # points: the line of an A4 page with margins of 2.5 cm
_PAGE_LINES = 38
_SIGNS = {char: f"\\{char}" for char in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "|": "$|$",
    "−": "$-$",
    "[": "{[}",
    "\u2007": r"\phantom{0}",
    "\u2002": r"\phantom{$-$}",
    "\u2008": r"\phantom{.}",
    "\u202f": r"\,",
    "\u2009": r"\,",
    "\u00a0": "~",
    "α": r"$\alpha$",
    "κ": r"$\kappa$",
    "ε": r"$\varepsilon$",
    "π": r"$\pi$",
    "ρ": r"$\rho$",
    "φ": r"$\varphi$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "×": r"$\times$",
    "±": r"$\pm$",
    "→": r"$\rightarrow$",
    "≈": r"$\approx$",
    "\n": " ",
}
_SIGN = re.compile(f"[{re.escape(''.join(_SIGNS))}]")
_FOREIGN = re.compile(r"[^\x20-\u024f\u2010-\u2027\u20ac\u2122]")
_WIDTHS = r"\small\setlength{\tabcolsep}{4pt}"
_CAPTION = r"\setlength{\belowcaptionskip}{6pt}"


def latex_text(text: object) -> str:
    """Return a text so that LaTeX prints it as it stands.

    Examples
    --------
    >>> print(latex_text("R&D_2: 5 % of $9, p < .001, r = −.10"))
    R\\&D\\_2: 5 \\% of \\$9, p $<$ .001, r = $-$.10
    """
    return _SIGN.sub(lambda sign: _SIGNS[sign[0]], str(text))


def latex_table(printed: dict[str, Any], *, name: str, title: str, note: str = "", finding: str = "") -> str:
    """Return printed rows as a booktabs table, turned or in parts where it is too wide; a long one breaks over pages.

    The caption says what it is and what was found, the note below it how.
    """
    panels = lay_out(printed)
    caption = latex_text(" ".join(filter(None, [f"{title}{'' if title[-1:] in '.?!' else '.'}", finding])))
    heading = f"\\caption[{{{latex_text(title)}}}]{{{caption}}}\\label{{tab:{name}}}"
    note = latex_text(" ".join(filter(None, [say_layout(panels), note])))
    is_long = sum(map(_count_lines, panels)) > _PAGE_LINES
    packages = "".join(rf"\usepackage{{{package}}}" for package in ("booktabs", *["longtable"] * is_long))
    plain = "".join([heading, note, *(text for panel in panels for row in panel.rows for text in map(latex_text, row))])
    letters = "\n% has letters of other scripts: compile it with LuaLaTeX or XeLaTeX" * bool(_FOREIGN.search(plain))
    make = _long_table if is_long else _short_table
    return f"% needs {packages}{letters}\n{make(heading, panels, note)}"


def _short_table(heading: str, panels: Sequence[Panel], note: str) -> str:
    tables = "\n\\par\\medskip\n".join(
        f"\\begin{{tabular}}{{{_say_columns(panel)}}}\n\\toprule\n{_write_head(panel)}\\midrule\n"
        f"{_write_rows(panel)}\\bottomrule\n\\end{{tabular}}"
        for panel in panels
    )
    footnote = rf"\begin{{minipage}}{{\linewidth}}\footnotesize\raggedright {note}\end{{minipage}}"
    below = f"\\par\\smallskip\n{footnote}\n" if note else ""
    return f"\\begin{{table}}[htbp]\n\\centering{_CAPTION}\n{heading}\n{_WIDTHS}\n{tables}\n{below}\\end{{table}}\n"


def _long_table(heading: str, panels: Sequence[Panel], note: str) -> str:
    tables = []
    for at, panel in enumerate(panels):
        head = f"\\toprule\n{_write_head(panel)}\\midrule\n"
        first = f"{heading}\\tabularnewline\n{head}\\endfirsthead\n" if at == 0 else ""
        number = "\\addtocounter{table}{-1}\n" * (at > 0)
        tables.append(
            f"{number}\\begin{{longtable}}{{{_say_columns(panel)}}}\n{first}{head}\\endhead\n\\bottomrule\n\\endfoot\n"
            f"{_write_rows(panel)}\\end{{longtable}}"
        )
    below = f"\n{{\\footnotesize\\raggedright\\noindent {note}\\par}}" if note else ""
    return f"{{{_WIDTHS}\\setlength{{\\LTcapwidth}}{{\\linewidth}}\n" + "\n".join(tables) + f"\n}}{below}\n"


def _say_columns(panel: Panel) -> str:
    """Numbers to the right, those with intervals aligned by their blanks, words to the left, in lines where needed."""
    widths, wishes, texts = panel.fit_widths(), panel.wishes, panel.texts
    total = sum(widths) + GAP * (len(widths) - 1)
    shrink = min(1.0, PAGE_WIDTH / total)
    kinds = []
    for at, number in enumerate(panel.numeric):
        if number:
            kinds.append("l" if has_intervals(texts[at]) else "r")
        elif widths[at] * shrink >= wishes[at] - 0.1:
            kinds.append("l")
        else:
            kinds.append(rf"p{{{widths[at] * shrink * _DIGIT / _LINE:.3f}\linewidth}}")
    return f"@{{}}{''.join(kinds)}@{{}}"


def _write_head(panel: Panel) -> str:
    """The names of the columns, each in as many lines as its column's width asks for."""
    cells = []
    for number, texts, lines in zip(panel.numeric, panel.texts, panel.wrap_heads(panel.fit_widths()), strict=True):
        side = "r" if number and not has_intervals(texts) else "l"
        names = r"\\".join(map(latex_text, lines))
        cells.append(names if len(lines) == 1 else rf"\begin{{tabular}}[b]{{@{{}}{side}@{{}}}}{names}\end{{tabular}}")
    return f"{' & '.join(cells)} \\tabularnewline\n"


def _write_rows(panel: Panel) -> str:
    is_broken = [kind.startswith("p") for kind in re.findall(r"[rl]|p\{[^}]*\}", _say_columns(panel)[3:])]
    return "".join(
        " & ".join(starmap(_write_cell, zip(row, is_broken, strict=True))) + " \\tabularnewline\n" for row in panel.rows
    )


def _write_cell(text: str, is_broken: bool) -> str:
    if not is_broken:
        return latex_text(text)
    words = [r"\allowbreak{}".join(map(latex_text, break_text(word))) for word in text.split()]
    return rf"\raggedright {' '.join(words)}"


def _count_lines(panel: Panel) -> int:
    """About how many lines a panel takes."""
    widths = panel.fit_widths()
    heads = max(map(len, panel.wrap_heads(widths)), default=1)
    return heads + sum(
        max((len(wrap_head(text, width)) for text, width in zip(row, widths, strict=True)), default=1)
        for row in panel.rows
    )


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
