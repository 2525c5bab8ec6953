"""Where a span stands in its text: the quote decides whether a tool counts code points or UTF-16 units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from codebook.exchange.collector import Collector


class Span(NamedTuple):
    """A place in a text in code points, end exclusive; None where it does not hold. `note` says what is to be known."""

    start: int | None
    end: int | None
    quote: str
    note: str = ""

    def as_row(self, note: str = "", status: str = "coded") -> dict[str, Any]:
        """The place as parts of an `ExportRow`; what is `coded` at a place that does not hold is `rejected`."""
        rejected = self.start is None and status == "coded"
        notes = "; ".join(filter(None, [note, self.note]))
        return {**self._asdict(), "note": notes, "status": "rejected" if rejected else status}


UNCHECKED = "not checked: the text is not available"


def place_span(text: str | None, start: int, end: int, quote: str, collector: Collector) -> Span:
    """Hold a span against its text: in code points, else in UTF-16 units; else it is refused (`start` is None).

    Parameters
    ----------
    text
        None where it is not known: the span is kept, and its note says that it is unchecked.
    quote
        "" where the tool writes none: the text gives it.
    """
    if text is None:
        collector.count("a span could not be checked, because its text is not available")
        return Span(start, end, quote, UNCHECKED)
    if 0 <= start <= end <= len(text) and (not quote or text[start:end] == quote):
        return Span(start, end, text[start:end])
    wide = text.encode("utf-16-le", errors="surrogatepass")
    if quote and 0 <= start <= end <= len(wide) // 2:
        before = wide[: 2 * start].decode("utf-16-le", errors="replace")
        inside = wide[2 * start : 2 * end].decode("utf-16-le", errors="replace")
        if inside == quote:
            collector.count("a span was counted in UTF-16 units and was converted to code points")
            return Span(len(before), len(before) + len(inside), quote)
    collector.count("a span was refused: its quote is not at its position in the text")
    return Span(None, None, quote, f"the text from {start} to {end} is different")


def find_text(data: Mapping[str, Any], name: str) -> str | None:
    """The text of a record's data: of the field of a name, or the only text of several words; None for none."""
    if isinstance(data.get(name), str):
        return str(data[name])
    texts = [value for value in data.values() if isinstance(value, str) and " " in value.strip()]
    return texts[0] if len(texts) == 1 else None
