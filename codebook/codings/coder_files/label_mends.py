"""Labels that a file has and the codebook does not: what is wrong with each, and a mend that works.

A mend in backticks is YAML for the entry in `coders.yaml`, as it stands.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import orjson

from codebook.errors import Fault
from codebook.ground.joins import UNSEEN, find_cause, near_form, spell
from codebook.ground.quantities import say_count
from codebook.scheme import Codebook, Variable
from codebook.scheme.number_values import say_bounds

NO_VARIABLE = "there is no such variable"
OUTSIDE = "it is not in the codebook"
Outside = tuple[str, str, str, str]
"""Variable, label in the file, what `rename` makes of it, and the problem."""

_N_LISTED = 20
_SHOWN, _LONGEST = 80, 200
_SIGNS = (";", ",", "|", "/", "+", "&", "#", "\t", "\n", "; ", ", ", " | ", " / ", " + ", " & ", " ")
_LETTERS = re.compile(r"[\W_]+")


def label_faults(where: str, codebook: Codebook, outside: Counter[Outside]) -> Iterator[Fault]:
    """Yield a fault for each label that is not the codebook's, the commonest first; `outside` counts them."""
    for (name, label, meant, problem), n in outside.most_common(_N_LISTED):
        text = spell(label if len(label) <= _SHOWN else label[:_SHOWN] + "...")
        if problem == NO_VARIABLE:
            mend = _mend_variable(name, codebook)
        else:
            more, mend = _mend_label(label, meant, codebook.variable(name))
            problem = (f"`rename` makes it {spell(meant)}; " if label != meant else "") + problem + more
        yield Fault(where, f"variable {name!r}, label {text} ({say_count(n, 'time')}): {problem}", mend)
    if len(near := _list_near(codebook, outside)) > 1:
        pairs = ", ".join(f"{quote(label)}: {quote(known)}" for label, known in near.items())
        problem = f"{len(near)} of these labels are very similar to labels of the codebook"
        yield Fault(where, problem, f"if they mean these, write `rename: {{{pairs}}}`")
    if (rest := len(outside) - _N_LISTED) > 0:
        yield Fault(
            where,
            f"{say_count(rest, 'more label is', 'more labels are')} not in the codebook",
            "check that the right column is named",
        )


def _list_near(codebook: Codebook, outside: Counter[Outside]) -> dict[str, str]:
    """Labels of the file that most likely mean one of the codebook, with that one."""
    pairs: dict[str, str] = {}
    for (name, label, meant, problem), _ in outside.most_common():
        variable = None if problem == NO_VARIABLE else codebook.variable(name)
        if variable is None or variable.is_open or variable.is_number or len(label) > _LONGEST:
            continue
        if near := find_near_label(meant, variable) or find_near_label(label, variable):
            pairs.setdefault(label, near)
    return pairs


def plain_faults(where: str, variable: Variable, cells: Mapping[str, int]) -> Iterator[Fault]:
    """Yield the fault of cells of a `multi` variable that are no lists, and what would be wrong with their labels."""
    sign, n = guess_separator(cells, variable), sum(cells.values())
    alone = all(cell in variable.labels for cell in cells)
    problem = f"variable {variable.name!r}, cell {spell(next(iter(cells))[:_SHOWN])}: it is not a JSON list"
    mend = f"name the character between the labels of a cell: `separator: {quote(sign)}`"
    if alone:
        mend += ", or write `join: true` if each row holds one label of its unit"
    yield Fault(where, f"{problem} ({say_count(n, 'such cell')})", mend)
    parts = Counter[Outside]()
    for cell, times in cells.items():
        for part in _parts(cell, sign):
            if part not in variable.labels:
                parts[variable.name, part, part, OUTSIDE] += times
    yield from label_faults(where, Codebook(name="one", unit="a unit", variables=(variable,)), parts)


def _parts(cell: str, sign: str) -> list[str]:
    return [part for part in cell.split(sign) if part.strip()]


def guess_separator(cells: Iterable[str], variable: Variable) -> str:
    """Return the sign that divides most of the cells into labels of the codebook; a semicolon where none does."""
    labels = set(variable.labels)

    def count_whole(sign: str) -> int:
        return sum(sign in cell and labels.issuperset(_parts(cell, sign)) for cell in cells)

    cells = list(cells)
    best = max(_SIGNS, key=count_whole)
    return best if count_whole(best) else _SIGNS[0]


def _mend_variable(name: str, codebook: Codebook) -> str:
    names = [variable.name for variable in codebook.variables]
    near = difflib.get_close_matches(name, names, n=1)
    mend = f"use one of {', '.join(names)}, choose rows with `where`, or add it to the codebook"
    return f"did you mean {near[0]!r}? Else {mend}" if near else mend


def _mend_label(label: str, meant: str, variable: Variable) -> tuple[str, str]:
    """Return what more is to be said of the problem, and the declared recoding that helps; nothing is recoded alone."""
    if len(label) > _LONGEST:
        return "", "check that `label` names the column of labels, because this is a long text"
    leave_out = f"leave it out: `skip: [{quote(label)}]`"
    if variable.is_open:
        return "", f"write {variable.kind} as JSON, or {leave_out}"
    if variable.is_number:
        comma = "`decimal: ','` if the file uses decimal commas, " if "," in label else ""
        codes = f", {', '.join(variable.labels)}" * bool(variable.labels)
        return "", f"{comma}`rename` to a number {say_bounds(variable)}".rstrip() + f"{codes}, or {leave_out}"
    add = "add the category to the codebook"
    near = find_near_label(meant, variable) or find_near_label(label, variable)
    if near is None:
        names = ", ".join(map(repr, variable.labels[:12])) + ", ..." * (len(variable.labels) > 12)
        return "", f"recode it with `rename` to one of {names}; {add}, or {leave_out}"
    cause = find_cause(meant, near) if near_form(meant) == near_form(near) else ""
    more = f": it has the same letters as {spell(near)} and differs by {cause}" if cause in UNSEEN else ""
    comma = "`decimal: ','` if the file uses decimal commas, " if variable.kind == "rating" and "," in label else ""
    return more, f"{comma}`rename: {{{quote(label)}: {quote(near)}}}`, {add}, or {leave_out}"


def find_near_label(label: str, variable: Variable) -> str | None:
    """Return the label of the codebook that a text most likely means, or None.

    Examples
    --------
    >>> codes = {"question": "?", "level": "nominal", "categories": ["1.5", "2", "science/technology"]}
    >>> topic = Variable(name="topic", kind="single", **codes)
    >>> [find_near_label(text, topic) for text in ("1,5", "2.0", "Science / Technology", "sience/technology", "war")]
    ['1.5', '2', 'science/technology', 'science/technology', None]
    """
    for means in (near_form, _as_number, _only_label, _letters):
        meant = means(label)
        if meant and (matches := [name for name in variable.labels if means(name) == meant or name == meant]):
            return matches[0]
    folded = {name.casefold(): name for name in variable.labels}
    close = difflib.get_close_matches(label.casefold(), list(folded), n=1, cutoff=0.75)
    return folded[close[0]] if close and _as_number(label) is None else None


def _as_number(text: str) -> str | None:
    try:
        return repr(float(text.replace(",", ".")))
    except ValueError:
        return None


def _only_label(text: str) -> str | None:
    """The label of a JSON list of one."""
    try:
        listed = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return listed[0] if isinstance(listed, list) and len(listed) == 1 and isinstance(listed[0], str) else None


def _letters(text: str) -> str:
    return _LETTERS.sub("", near_form(text))


def quote(text: str) -> str:
    """Write a text as YAML reads it back, with escapes for what is not seen.

    Examples
    --------
    >>> print(quote("pro"), quote("it's"), quote("e\\u0301"), quote("a\\u00a0b"))
    'pro' "it's" "e\\u0301" "a\\u00a0b"
    """
    composed = unicodedata.is_normalized("NFC", text)
    if composed and text.isprintable() and "'" not in text:
        return f"'{text}'"
    signs = (_escape(sign) if not composed and unicodedata.combining(sign) else _show(sign) for sign in text)
    return f'"{"".join(signs)}"'


def _show(sign: str) -> str:
    if sign in '"\\':
        return "\\" + sign
    return sign if sign.isprintable() else _escape(sign)


def _escape(sign: str) -> str:
    return f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08x}"
