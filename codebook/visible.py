"""Signs that are not seen but obeyed, such as a terminal's escapes: every display spells them out instead.

Texts, ids, labels, notes and replies come from strangers. What shows them, shows them through here.
"""

from __future__ import annotations

import html

_IN_LINE = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
_IN_LINE |= {code: f"\\u{code:04x}" for code in (0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A))}
_IN_BLOCK = {code: spelt for code, spelt in _IN_LINE.items() if chr(code) not in "\n\t"}


def spell_line(text: str) -> str:
    r"""Return a text for one line, such as a cell: control signs and signs that turn the direction are spelt out.

    Examples
    --------
    >>> print(spell_line("red \x1b[31m, next\nline"))
    red \x1b[31m, next\x0aline
    """
    return text.translate(_IN_LINE)


def spell_block(text: str) -> str:
    r"""Return a text of several lines: as `spell_line`, but ends of lines and tabs stay.

    Examples
    --------
    >>> print(spell_block("red \x1b[31m,\nnext line"))
    red \x1b[31m,
    next line
    """
    return text.translate(_IN_BLOCK)


def escape_block(text: str) -> str:
    r"""Return a text of several lines as HTML shows it, with what is not seen spelt out.

    Examples
    --------
    >>> print(escape_block("<b> \x1b[31m"))
    &lt;b&gt; \x1b[31m
    """
    return html.escape(spell_block(text))
