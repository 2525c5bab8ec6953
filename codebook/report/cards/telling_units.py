"""The few units that say most of a study: labels taken for each other, disputed ones, and those without any."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from codebook.ground.quantities import say_count
from codebook.report.cards.card_pages import STATIC, card_html, cards_html
from codebook.report.cards.choosing import DISAGREE, Choice
from codebook.report.cards.unit_cards import UnitCards

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
