"""Frames and texts that a notebook shows as the report does; to Python they are a frame and a text like any other."""

from __future__ import annotations

import pandas as pd

from codebook.outputs.cells import frames_html, text_html


class ReadableFrame(pd.DataFrame):
    """A frame that shows itself in a notebook as a table for readers; what is made of it is a plain frame.

    Examples
    --------
    >>> frame = ReadableFrame({"part": ["pilot"], "seconds": [3.14159]})
    >>> type(frame.head(1)).__name__, "3.14159" in frame._repr_html_()
    ('DataFrame', False)
    """

    def _repr_html_(self) -> str:
        moments = self.select_dtypes(["datetime", "datetimetz"]).columns
        texts = {name: self[name].dt.strftime("%Y-%m-%d %H:%M").fillna("") for name in moments}
        return frames_html(self.assign(**texts))


class ReadableText(str):
    """A text that shows itself in a notebook in paragraphs, with its blanks marked, and elsewhere as it is.

    Examples
    --------
    >>> ReadableText("We coded n units. [Say which.]")
    We coded n units. [Say which.]
    >>> "<mark>" in ReadableText("[Say which.]")._repr_html_()
    True
    """

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return text_html(self)
