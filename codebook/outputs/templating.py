"""The one environment of the HTML templates: every text is escaped, and what is not seen is spelt out."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from codebook.visible import escape_block

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def _environment(*, escapes: bool) -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    pages = Environment(loader=PackageLoader("codebook.outputs"), autoescape=escapes, undefined=StrictUndefined)
    pages.trim_blocks = pages.lstrip_blocks = pages.keep_trailing_newline = not escapes
    pages.filters["visible"] = lambda text: Markup(escape_block(str(text)))
    pages.filters["breakable"] = lambda text: Markup(_allow_breaks(escape_block(str(text))))
    return pages


def _allow_breaks(escaped: str) -> str:
    """Let long words, such as names of runs and models, break behind the signs that part them, and no day break.

    Examples
    --------
    >>> _allow_breaks("all_the_speeches_of_two_parties")
    'all_<wbr>the_<wbr>speeches_<wbr>of_<wbr>two_<wbr>parties'
    >>> _allow_breaks("gpt-x-2026-12-28 &amp;")
    'gpt-x-<span style="white-space:nowrap">2026-12-28</span> &amp;'
    """
    parted = re.sub(r"[^\s<>]{28,}", lambda word: re.sub(r"(?<=[_/.:])(?=\w)", "<wbr>", word[0]), escaped)
    return re.sub(r"(?<!\d)\d{4}-\d\d-\d\d(?!\d)", lambda day: render("day.html.j2", day=day[0]), parted)


def render(template: str, **values: Any) -> str:
    """Return a template of `outputs/templates` filled with values; `visible` shows a stranger's text.

    `breakable` does so too, and lets long names break where a person would break them.
    """
    return _environment(escapes=True).get_template(template).render(values)


def render_plain(template: str, **values: Any) -> str:
    """Return a template of Markdown or LaTeX with values as they are; what LaTeX obeys, the caller spells out."""
    return _environment(escapes=False).get_template(template).render(values)
