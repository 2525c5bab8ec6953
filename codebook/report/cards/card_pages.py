"""Cards as HTML and as plain text. Every text is escaped, a long one folded, a very long one cut.

The report shows the few that say most (`telling_html`).
"""

from __future__ import annotations

import io
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from codebook.errors import MissingExtraError
from codebook.files.digests import digest_of
from codebook.files.pdfs import PDFIUM, PdfError, draw_page, open_pdf
from codebook.files.pictures import PictureError, open_picture
from codebook.ground.quantities import say_count
from codebook.outputs.templating import render
from codebook.paths import resolve_path
from codebook.records import UnitFile
from codebook.report.cards.choosing import DISAGREE, Choice
from codebook.report.cards.unit_cards import Card, Span, UnitCards
from codebook.visible import spell_line

_MOST_PICTURES = 4
_MOST_SUMMED = 6


@dataclass(frozen=True)
class Sizes:
    """How much of a card is shown: letters before the fold and in all, the longer side of a picture in pixels, and the
    letters of the text in the head of a folded card.
    """

    n_open: int = 1_200
    n_all: int = 100_000
    side: int = 480
    n_head: int = 90


WIDE = Sizes()
"""Of a card that is looked at by itself."""
STATIC = Sizes(600, 6_000, 160, 300)
"""Of one of many cards on a page that is kept."""


def card_html(card: Card, sizes: Sizes = WIDE, *, folded: bool = False, texts: bool = True, name: str = "") -> str:
    """Return a card as HTML.

    Parameters
    ----------
    folded
        Only the head is seen until a person opens it.
    texts
        False leaves out all that is the unit's own: its text, context and pictures, quotes, prompts and replies.
    name
        What stands in place of the unit's id.
    """
    shown: dict[str, Any] = {
        "unit_id": name or card.unit_id,
        "summary": sum_up(card),
        "begins": _short(" ".join((card.text or "")[:500].split()), sizes.n_head) if texts else "",
        "context": list(card.context.items()) if texts else [],
        "pictures": [_picture(file, sizes.side) for file in card.files[:_MOST_PICTURES]] if texts else [],
        "text": _fold(card.text, sizes, card.marks) if texts and card.text else None,
        "remark": "" if card.text or card.files or not texts else _say_no_text(card),
        "labels": [_label(asdict(label), sizes, texts) for label in card.labels],
        "talks": [_talk(asdict(talk), sizes) for talk in card.talks] if texts else [],
    }
    return render("unit_card.html.j2", card=shown, folded=folded)


def cards_html(parts: Iterable[str | tuple[str, str]]) -> str:
    """Return cards as a part of a page with their style: each as HTML, and between them words with their tag."""
    pairs = [(part, "") if isinstance(part, str) else part for part in parts]
    return render("unit_cards.html.j2", parts=pairs)


def card_text(card: Card) -> str:
    """Return a card as a line of text: the id, and who said what."""
    return f"{spell_line(card.unit_id)}: {spell_line(sum_up(card))}"


def sum_up(card: Card) -> str:
    """Say in a line who gave the unit which label, the first few."""
    labels = [f"{label.coder}: {_short(label.label) or f'({label.why})'}" for label in card.labels[:_MOST_SUMMED]]
    more = len(card.labels) - _MOST_SUMMED
    return " · ".join([*labels, *([f"and {more:,} more"] if more > 0 else [])])


def _short(text: str, most: int = 40) -> str:
    return text if len(text) <= most else f"{text[:most]}..."


def _say_no_text(card: Card) -> str:
    return (
        "The text is empty."
        if card.text == ""
        else "The text is not known here. To mend: give the units, show_units(codings, units)."
    )


def _label(label: dict[str, Any], sizes: Sizes, texts: bool) -> dict[str, Any]:
    """A label as the template shows it: JSON in lines, long ones folded."""
    short = Sizes(200, sizes.n_all)
    label["label"] = _fold(_indent(label["label"]), short) if label["label"] else None
    label["evidence"] = _fold(label["evidence"], short) if label["evidence"] and texts else None
    return label if texts else label | {"detail": ""}


def _indent(label: str) -> str:
    """A record in lines; another label as it is."""
    if not label.startswith("{"):
        return label
    try:
        return orjson.dumps(orjson.loads(label), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return label


def _talk(talk: dict[str, Any], sizes: Sizes) -> dict[str, Any]:
    talk["turns"] = [(speaker, _fold(words, sizes)) for speaker, words in talk["turns"]]
    return talk | {"reply": _fold(talk["reply"], sizes) if talk["reply"] else None}


def _fold(text: str, sizes: Sizes, marks: Sequence[Span] = ()) -> dict[str, Any]:
    """A text in two parts, each as (words, whether marked): what is seen at once, and the rest."""
    end = min(len(text), sizes.n_all)
    place = end if len(text) <= sizes.n_open * 1.2 else _find_gap(text, sizes.n_open)
    left = len(text) - end
    more = f"{len(text) - place:,} more characters" + (f", of which the last {left:,} are not shown" if left else "")
    return {"head": _cut(text, 0, place, marks), "rest": _cut(text, place, end, marks), "more": more}


def _find_gap(text: str, place: int) -> int:
    """The begin of a word a little before a place."""
    gap = max(text.rfind(sign, place - 80, place) for sign in " \n\t")
    return gap + 1 if gap > 0 else place


def _cut(text: str, first: int, last: int, marks: Sequence[Span]) -> list[tuple[str, bool]]:
    """The part of a text between two places, as (words, whether marked)."""
    parts, place = list[tuple[str, bool]](), first
    for start, end in marks:
        start, end = max(start, first), min(end, last)
        if start < end:
            parts += [(text[place:start], False), (text[start:end], True)]
            place = end
    parts.append((text[place:last], False))
    return [part for part in parts if part[0]]


def _picture(file: UnitFile, side: int) -> tuple[str, str]:
    """A file of a unit as (picture inside the page, words under it); no picture where there is none to show."""
    name = Path(file.path).name
    if "://" in file.path:
        return "", f"{name}: an address, which is not loaded"
    path = resolve_path(file.path)
    if not path.is_file():
        return "", f"{name}: the file is not there"
    if file.sha256 and digest_of(path) != file.sha256:
        return "", f"{name}: the file was changed since it was planned"
    page = int(file.ask.get("first", 1))
    try:
        return _draw(path, file.kind, page, side), name if file.kind == "image" else f"{name}, page {page}"
    except (PictureError, PdfError, MissingExtraError, OSError) as error:
        return "", f"{name}: {error}"


@lru_cache(64)
def _draw(path: Path, kind: str, page: int, side: int) -> str:
    """A photograph, or a page of a PDF, as a small JPEG inside a page."""
    if kind == "pdf":
        with open_pdf(path) as document, PDFIUM:
            sheet = document[page - 1]
            picture = draw_page(sheet, 72, side * 2)
            sheet.close()
    else:
        picture = open_picture(path.read_bytes(), side)
        picture.thumbnail((side, side))
    room = io.BytesIO()
    picture.save(room, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{b64encode(room.getvalue()).decode()}"


_N_PAIRS, _N_EACH, _N_DISPUTED, _N_WHYS = 5, 2, 6, 4
Group = tuple[str, list[int]]
"""A heading, and the numbers of the units under it."""


def telling_html(cards: UnitCards, most: int = 20, *, texts: bool = True, hidden: bool = False) -> str:
    """Return a section of a page, without scripts: at most so many folded cards under headings; empty for none.

    The pairs of gold label and other label that occur most often come first, with two units each, then units whose
    coders disagree, then one unit for each reason why a label is missing. No unit occurs twice.

    Parameters
    ----------
    texts
        False leaves out all that is the units' own: texts, pictures, quotes, prompts and replies.
    hidden
        Units are numbered, their ids left out.
    """
    parts, n_shown = list[str | tuple[str, str]](), 0
    groups = _without_repeats(_list_groups(cards), most)
    cards.shelf.hold(cards.index.units[number] for _, numbers in groups for number in numbers)
    for heading, numbers in groups:
        parts.append((heading, "h3"))
        for card in cards.read_some(numbers, talks=texts):
            n_shown += 1
            name = f"unit {n_shown}" if hidden else ""
            parts.append(card_html(card, STATIC, folded=True, texts=texts, name=name))
    return cards_html(parts) if parts else ""


def _without_repeats(groups: Iterator[Group], most: int) -> list[Group]:
    """The groups without units that stand in an earlier one, and so many units at most."""
    shown, left = set[int](), list[Group]()
    for heading, numbers in groups:
        new = [number for number in numbers if number not in shown][: most - len(shown)]
        shown.update(new)
        left += [(heading, new)] if new else []
    return left


def _list_groups(cards: UnitCards) -> Iterator[Group]:
    index = cards.index
    coder = next(iter(cards.codings.beside_gold), "")
    for (gold, other), units in _list_confusions(cards, coder):
        words = f"{_quote(other)} by {coder} where the gold says {_quote(gold)}: {_count(units)}"
        yield words, units[:_N_EACH]
    disputed = index.choose(Choice(standing=DISAGREE)).tolist()
    yield f"Coders disagree: {_count(disputed)}", disputed[:_N_DISPUTED]
    for why in index.whys[:_N_WHYS]:
        units = index.choose(Choice(why=why)).tolist()
        yield f"No label, {why}: {_count(units)}", units[:1]


def _count(units: list[int]) -> str:
    return say_count(len(units), "unit")


def _quote(label: str) -> str:
    return f"\u2018{label}\u2019"


def _list_confusions(cards: UnitCards, coder: str) -> list[tuple[tuple[str, str], list[int]]]:
    """The pairs of gold label and another one of this coder, whom `confusion` takes, too, with their units."""
    index = cards.index
    rows = index.not_gold & (index.frame["coder"] == coder).to_numpy(dtype=bool, na_value=False)
    pairs = Counter(zip(index.gold_label[rows].tolist(), index.label[rows].tolist(), strict=True))
    confusions = []
    for (gold, other), _ in pairs.most_common(_N_PAIRS):
        same = rows & (index.gold_label == gold) & (index.label == other)
        units = list(dict.fromkeys(index.unit[same].tolist()))
        confusions.append(((index.name_label(gold), index.name_label(other)), units))
    return confusions
