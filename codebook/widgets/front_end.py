"""Something that shows as widgets where a front end is, and as tables where none is: in papermill, on a page."""

from __future__ import annotations

import os
import sys
from typing import Any


def has_front_end() -> bool:
    """Whether the cell that runs now was sent by a program that a person looks at, such as JupyterLab.

    Runners (papermill, nbclient, nbconvert) tell the kernel that nobody can answer a prompt; front ends do not. Voila
    runs cells like a runner, and is known by its environment.
    """
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return False
    return bool(getattr(kernel, "_allow_stdin", False)) or "voila" in os.environ.get("SERVER_SOFTWARE", "").lower()


def has_widgets() -> bool:
    """Whether ipywidgets is installed."""
    try:
        import ipywidgets  # noqa: F401
    except ImportError:
        return False
    return True


def bundle(text: str, html: str, box: Any = None) -> dict[str, Any]:
    """Return what a notebook keeps of an output: the widget, if there is one, beside the table as HTML and as text."""
    data = {"text/plain": text, "text/html": html}
    return data if box is None else box._repr_mimebundle_() | data
