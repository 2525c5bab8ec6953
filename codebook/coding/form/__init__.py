"""The coding form as plain JavaScript and CSS, without a build step and without an address outside the machine.

`form.js` draws views and sends messages; the other parts stand beside it. Whoever shows the form (a notebook, a server,
a page in a file) takes it as one text and gives it a channel.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent
_IMPORT = re.compile(r"^import \{[^}]*\} from '\./\w+\.js';\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=const|async|function|class)", re.MULTILINE)
_PARTS = (
    *("elements", "places", "text_pane", "unit_pane", "codes", "numbers", "records", "transcript", "sides", "bars"),
    *("answers", "keys", "outbox", "signs", "marking", "asking", "form"),
)


@cache
def form_script() -> str:
    """Return the form as one module, which exports `mountForm(root, channel, options)`.

    Examples
    --------
    >>> "export { mountForm };" in form_script(), "import " in form_script()
    (True, False)
    """
    parts = [(_FOLDER / f"{name}.js").read_text(encoding="utf-8") for name in _PARTS]
    joined = "\n".join(_EXPORT.sub("", _IMPORT.sub("", part)) for part in parts)
    return f"{joined}\nexport {{ mountForm }};\n"


@cache
def form_style() -> str:
    """Return the style sheet of the form."""
    return (_FOLDER / "form.css").read_text(encoding="utf-8")
