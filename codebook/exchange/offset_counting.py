"""How a file counts the characters of its texts: found out by the quotes that it holds, never by what it says.

Tools differ in whether the end of a span is left out, whether a byte order mark and the CR of a line end count, and
whether a sign beyond the basic plane (most emoji) counts once or twice. Where quotes stand beside the places, one
counting fits them all; where none does, nothing is read.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import product
from typing import Any, NamedTuple

from codebook.errors import Fault, TableError
from codebook.exchange.collector import Collector

_BOM = "\ufeff"
_N_SHOWN = 3
_CUT = ("…", "...")


class Place(NamedTuple):
    """A place as a file writes it: in which text, from where to where, and the words that stand there."""

    text: str
    start: int
    end: int
    quote: str


class Counting(NamedTuple):
    """One way to count: whether the end counts, the mark and the CR of line ends count, and emoji count twice."""

    inclusive: bool = False
    mark: bool = False
    returns: bool = False
    added: bool = False
    utf16: bool = False

    def __str__(self) -> str:
        """Say in words how it counts."""
        parts = [
            "the end is the last character" if self.inclusive else "the end is left out",
            "UTF-16 units" if self.utf16 else "code points",
            *(["the byte order mark counts"] if self.mark else []),
            *(["the CR of a line end counts"] if self.returns or self.added else []),
        ]
        return ", ".join(parts)


_COUNTINGS = [
    Counting(inclusive, mark, returns, added, utf16)
    for utf16, inclusive, mark, (returns, added) in product(
        (False, True), (False, True), (False, True), ((False, False), (True, False), (False, True))
    )
]


def clean_text(raw: str) -> str:
    r"""Return a text as units hold it: without a byte order mark, line ends as LF.

    Examples
    --------
    >>> clean_text("\ufeffone\r\ntwo\rthree")
    'one\ntwo\nthree'
    """
    return raw.removeprefix(_BOM).replace("\r\n", "\n").replace("\r", "\n")


class CountedText:
    """A text whose places are counted in one way, and what they are in the clean text."""

    def __init__(self, raw: str, counting: Counting) -> None:
        self.clean = clean_text(raw)
        body = raw.removeprefix(_BOM)
        counted = body if counting.returns else self.clean.replace("\n", "\r\n") if counting.added else self.clean
        self.counted = (_BOM if counting.mark and raw.startswith(_BOM) else "") + counted
        self.counting = counting

    @cached_property
    def _vanishing(self) -> list[int]:
        """Places in the counted text of signs that the clean one lacks."""
        places = [0] if self.counted.startswith(_BOM) else []
        at = self.counted.find("\r\n")
        while at >= 0:
            places.append(at)
            at = self.counted.find("\r\n", at + 1)
        return places

    @cached_property
    def _second_units(self) -> list[int]:
        """Places in UTF-16 units of the second halves."""
        places = [place for place, sign in enumerate(self.counted) if ord(sign) > 0xFFFF]
        return [place + number + 1 for number, place in enumerate(places)]

    def put(self, start: int, end: int) -> tuple[int, int]:
        """A place of the file as one of the clean text, in code points, the end left out; (-1, -1) if out of it."""
        end += self.counting.inclusive
        if self.counting.utf16:
            start, end = (place - bisect_left(self._second_units, place) for place in (start, end))
        if not 0 <= start <= end <= len(self.counted):
            return -1, -1
        first, last = (place - bisect_left(self._vanishing, place) for place in (start, end))
        return first, last


def fits(words: str, quote: str) -> bool:
    r"""Whether words of a text are those of a quote, blanks folded; a quote that is cut short may end in dots.

    Examples
    --------
    >>> fits("We like\n the tram.", "We like the tram."), fits("We like the tram.", "We like…"), fits("We", "We ")
    (True, True, False)
    """
    folded, wanted = _fold(words), _fold(quote)
    if folded == wanted:
        return True
    cut = next((sign for sign in _CUT if wanted.endswith(sign)), "")
    return bool(cut) and len(wanted) > len(cut) and folded.startswith(wanted.removesuffix(cut).rstrip())


def _fold(text: str) -> str:
    """Fold every run of blanks to one, keeping those at the ends."""
    inner = " ".join(text.split())
    return f"{' ' * text[:1].isspace()}{inner}{' ' * (text[-1:].isspace() and bool(inner))}"


def find_counting(where: str, texts: Mapping[str, str], places: Sequence[Place], *, end: str = "") -> Counting:
    """Find the one way of counting by which every quote stands at its place.

    Parameters
    ----------
    where
        Names the file in messages.
    texts
        The texts as they stand in the file.
    end
        "exclusive" or "standard" (the last character): what is known of the ends, so that others are not tried.

    Raises
    ------
    TableError
        No way of counting fits all quotes, with three examples of the one that fits most; or there are places and no
        quote, and nothing is said of the ends.

    Examples
    --------
    >>> print(find_counting("x.qdpx", {"t": "Rain, Ann."}, [Place("t", 6, 8, "Ann")]))
    the end is the last character, code points
    """
    choices = [counting for counting in _COUNTINGS if not end or counting.inclusive == (end == "standard")]
    quoted = [place for place in places if place.quote.strip() and place.text in texts]
    if not quoted:
        return _without_quotes(where, places, end)
    best, best_misses = choices[0], list(quoted)
    for counting in choices:
        misses = list(_find_misses(counting, texts, quoted, stop=len(best_misses)))
        if len(misses) < len(best_misses):
            best, best_misses = counting, misses
        if not misses:
            return counting
    _refuse(where, best, texts, best_misses, len(quoted))
    return best


def _without_quotes(where: str, places: Sequence[Place], end: str) -> Counting:
    if places and not end:
        mend = 'give `end="exclusive"` (QualCoder, ATLAS.ti) or `end="standard"` (the end is the last character)'
        fault = Fault(where, "it has positions but no quotes, so it is not clear how it counts characters", mend)
        raise TableError(f"The positions in {where} are not clear.", [fault])
    return Counting(inclusive=end == "standard")


def _find_misses(counting: Counting, texts: Mapping[str, str], places: Sequence[Place], stop: int) -> Iterator[Place]:
    """Yield the places where the quote does not stand, `stop` of them at most."""
    counted: dict[str, CountedText] = {}
    n_misses = 0
    for place in places:
        text = counted.get(place.text) or counted.setdefault(place.text, CountedText(texts[place.text], counting))
        start, end = text.put(place.start, place.end)
        if start < 0 or not fits(text.clean[start:end], place.quote):
            yield place
            n_misses += 1
            if n_misses >= stop:
                return


def _refuse(where: str, counting: Counting, texts: Mapping[str, str], misses: Sequence[Place], n: int) -> None:
    """Refuse the file, showing what stands where quotes should."""
    faults = []
    for place in misses[:_N_SHOWN]:
        text = CountedText(texts[place.text], counting)
        start, end = text.put(place.start, place.end)
        there = repr(text.clean[start:end][:60]) if start >= 0 else "nothing, because it is outside the text"
        problem = f"the text from {place.start} to {place.end} is {there}, not {place.quote[:60]!r}"
        faults.append(Fault(f"{where}, {place.text}", problem, "export it again without editing the texts"))
    summary = f"The quotes in {where} do not match the texts: {len(misses):,} of {n:,} are not at their positions."
    raise TableError(summary, faults)


Put = Callable[[Place], tuple[int, int]]


def place_all(texts: Mapping[str, str], counting: Counting) -> Put:
    """Return what puts places of a file into the clean texts; (-1, -1) where the text is not there."""
    counted: dict[str, CountedText] = {}

    def put(place: Place) -> tuple[int, int]:
        if place.text not in texts:
            return -1, -1
        if place.text not in counted:
            counted[place.text] = CountedText(texts[place.text], counting)
        return counted[place.text].put(place.start, place.end)

    return put


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
