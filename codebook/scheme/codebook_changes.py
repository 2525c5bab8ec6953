"""The differences between two versions of a codebook: side by side with the words marked, and what is asked anew."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codebook.files.lines import write_whole
from codebook.ground.machine import all_in_words
from codebook.ground.quantities import say_count
from codebook.paths import resolve_path, show_path
from codebook.scheme.model import Codebook

if TYPE_CHECKING:
    import pandas as pd

_WORD = re.compile(r"\s+|\w+|[^\w\s]")
_PLACE = re.compile(r"(order of )?variables\[(?P<variable>.*?)\]\.?(?P<rest>.*)")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two codebooks: where, and what it was and is; None where it was not or is not there.

    Examples
    --------
    >>> import codebook as cb
    >>> book = cb.read_codebook("codebook.yaml")
    >>> (change,) = diff_codebooks(book, book.model_copy(update={"unit": "a post"}))
    >>> change.where, change.after
    ('unit', 'a post')
    """

    where: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        if self.before is None:
            return f"{self.where}: added {self.after!r}"
        if self.after is None:
            return f"{self.where}: removed {self.before!r}"
        return f"{self.where}: {self.before!r} became {self.after!r}"


def diff_codebooks(old: Codebook, new: Codebook) -> list[Change]:
    """List what differs between two codebooks, place by place; variables and categories are matched by name.

    Examples
    --------
    >>> import codebook as cb
    >>> book = cb.read_codebook("codebook.yaml")
    >>> new = book.model_copy(update={"unit": "one tweet"})
    >>> print(*diff_codebooks(book, new))
    unit: 'one headline of a newspaper' became 'one tweet'
    """
    before, after = dict(_flatten(old.model_dump(mode="json"))), dict(_flatten(new.model_dump(mode="json")))
    places = [*before, *(place for place in after if place not in before)]
    changes = [
        Change(place, before.get(place), after.get(place)) for place in places if before.get(place) != after.get(place)
    ]
    return changes + _diff_order(old, new)


def _diff_order(old: Codebook, new: Codebook) -> list[Change]:
    """The lists of names that hold the same names in another order."""
    before, after = dict(_name_lists(old)), dict(_name_lists(new))
    return [
        Change(f"order of {place}", ", ".join(names), ", ".join(after[place]))
        for place, names in before.items()
        if place in after and names != after[place] and sorted(names) == sorted(after[place])
    ]


def _name_lists(codebook: Codebook) -> Iterator[tuple[str, list[str]]]:
    yield "variables", [variable.name for variable in codebook.variables]
    for variable in codebook.variables:
        yield f"variables[{variable.name}].categories", list(variable.scale)
        yield f"variables[{variable.name}].abstain", [category.name for category in variable.abstain]


def _flatten(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield (place, text) for every text in a dumped codebook; list entries with a name go by it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flatten(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            name = inner.get("name", place) if isinstance(inner, dict) else place
            yield from _flatten(inner, f"{path}[{name}]")
    elif value not in ("", None):
        yield path, str(value)


Marked = list[tuple[str, bool]]
"""Pieces of a text, each with whether the other version does not have it."""


def mark_words(before: str, after: str) -> tuple[Marked, Marked]:
    """Both texts in pieces, marked where the other has other words.

    Examples
    --------
    >>> mark_words("Coal and gas.", "Coal, gas.")
    ([('Coal', False), (' and', True), (' gas.', False)], [('Coal', False), (',', True), (' gas.', False)])
    """
    old, new = _WORD.findall(before), _WORD.findall(after)
    left, right = list[tuple[str, bool]](), list[tuple[str, bool]]()
    for what, start, end, begin, stop in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        for pieces, words in ((left, old[start:end]), (right, new[begin:stop])):
            if words:
                pieces.append(("".join(words), what != "equal"))
    return left, right


@all_in_words
@dataclass(frozen=True, repr=False)
class CodebookChanges:
    """Two versions of a codebook side by side. It shows itself in a notebook, and is written as a page.

    Examples
    --------
    >>> import codebook as cb
    >>> book = cb.read_codebook("codebook.yaml")
    >>> compare_codebooks(book, book.model_copy(update={"unit": "one tweet", "version": "2"}))
    my-study, version 2 beside version 1: 2 places differ. Asked anew: topic. As before: nothing.
      version: '1' became '2'
      unit: 'one headline of a newspaper' became 'one tweet'
    """

    old: Codebook
    new: Codebook
    changes: tuple[Change, ...]

    @property
    def asked_anew(self) -> list[str]:
        """The variables of the new version whose question is new or changed."""
        before = {variable.name: self.old.variable_digest(variable.name) for variable in self.old.variables}
        names = [variable.name for variable in self.new.variables]
        return [name for name in names if before.get(name) != self.new.variable_digest(name)]

    @property
    def sentence(self) -> str:
        """How much differs, and what of it is asked again."""
        anew, names = self.asked_anew, [variable.name for variable in self.new.variables]
        same = [name for name in names if name not in anew]
        n = len(self.changes)
        return (
            f"{self.new.name}, version {self.new.version} beside version {self.old.version}: "
            f"{say_count(n, 'place')} {'differs' if n == 1 else 'differ'}. Asked anew: {', '.join(anew) or 'nothing'}. "
            f"As before: {', '.join(same) or 'nothing'}."
        )

    @property
    def frame(self) -> pd.DataFrame:
        """One row per place: variable (empty for the whole), place, before, after; missing where nothing is."""
        import pandas as pd

        rows = [(*_name_place(change.where), change.before, change.after) for change in self.changes]
        return pd.DataFrame(rows, columns=["variable", "place", "before", "after"])

    def __bool__(self) -> bool:
        return bool(self.changes)

    def __repr__(self) -> str:
        return "\n".join([self.sentence, *(f"  {change}" for change in self.changes)])

    def _repr_html_(self) -> str:
        from codebook.outputs.templating import render

        return render("codebook_changes.html.j2", **self._show())

    def write_page(self, path: str | Path) -> str:
        """Write a page that stands alone, and say where it is."""
        from codebook.outputs.templating import render

        file = resolve_path(path)
        write_whole(file, render("codebook_changes_page.html.j2", title=self.new.name, **self._show()))
        return show_path(file)

    def _show(self) -> dict[str, Any]:
        """The values for the templates: the changes by variable, each as marked pieces."""
        parts: dict[str, list[dict[str, Any]]] = {}
        for change in self.changes:
            variable, place = _name_place(change.where)
            before, after = mark_words(change.before or "", change.after or "")
            parts.setdefault(variable, []).append({"place": place, "before": before, "after": after})
        versions = [(f"version {book.version}", book.digest[:8]) for book in (self.old, self.new)]
        return {"sentence": self.sentence, "parts": parts, "versions": versions}


def _name_place(where: str) -> tuple[str, str]:
    """(variable, place in it) of a change, in words.

    Examples
    --------
    >>> _name_place("variables[topic].categories[coal].examples[0].text"), _name_place("unit")
    (('topic', 'coal, example 1, text'), ('', 'unit'))
    >>> _name_place("order of variables[topic].categories")
    ('topic', 'order of categories')
    """
    match = _PLACE.fullmatch(where)
    if not match:
        return "", where
    rest = re.sub(r"(categories|abstain|lists|fields)\[(.*?)\]", r"\2", match["rest"])
    rest = re.sub(r"(\w+?)s?\[(\d+)\]", lambda part: f"{part[1]} {int(part[2]) + 1}", rest)
    return match["variable"], (match[1] or "") + ", ".join(filter(None, rest.split(".")))


def compare_codebooks(old: Codebook, new: Codebook) -> CodebookChanges:
    """Set two versions of a codebook side by side.

    Examples
    --------
    >>> import codebook as cb
    >>> book = cb.read_codebook("codebook.yaml")
    >>> compare_codebooks(book, book).sentence
    'my-study, version 1 beside version 1: 0 places differ. Asked anew: nothing. As before: topic.'
    """
    return CodebookChanges(old, new, tuple(diff_codebooks(old, new)))
