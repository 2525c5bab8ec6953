"""Columns that look like the labels of coders: several with few values that they share, or one that is named so.

A variable is a group of columns whose values overlap; who coded, and what, is read from the columns' names.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from codebook.files.tables import RowFile
from codebook.ground.joins import near_form
from codebook.scheme.codebook_checks import as_number

MAX_LABELS = 60
MAX_LABEL_CHARS = 80
_MAX_ID_CHARS = 64
_JOINTS = re.compile(r"[\W_]+|(?<=[a-z])(?=[A-Z])|(?<=[^\W\d_])(?=\d)")
_TEXT_WORDS = {"text", "texte", "texts", "body", "content", "sentence", "satz", "headline", "title", "tweet", "post"}
_TEXT_WORDS |= {"comment", "kommentar", "answer", "antwort", "response", "wortlaut", "inhalt", "quote", "zitat"}
_ID_WORDS = {"id", "ids", "nr", "no", "num", "number", "nummer", "key", "uid", "doc", "case", "fall", "lfd"}


def split_name(name: str) -> list[str]:
    """Return the words of a column's name, in small letters.

    Examples
    --------
    >>> split_name("Anna_topic"), split_name("coder2"), split_name("textId")
    (['anna', 'topic'], ['coder', '2'], ['text', 'id'])
    """
    return [word.casefold() for word in _JOINTS.split(name) if word]


@dataclass
class ColumnFacts:
    """A column: how far it is filled, how long its cells are, and its different cells as long as they are few.

    `values` counts the cells as they stand, and is None where they are too many or too long to be labels; `n_twice`
    counts the cells that stood before.
    """

    name: str
    n_rows: int = 0
    n_filled: int = 0
    n_chars: int = 0
    n_spaced: int = 0
    longest: int = 0
    n_twice: int = 0
    values: Counter[str] | None = field(default_factory=Counter)
    _seen: set[int] | None = field(default_factory=set)

    def add(self, cell: str) -> None:
        """Look at the next cell."""
        self.n_rows += 1
        if not (plain := cell.strip()):
            return
        self.n_filled += 1
        self.n_chars += len(plain)
        self.n_spaced += " " in plain
        self.longest = max(self.longest, len(plain))
        if self.values is not None:
            self.values[cell] += 1
            if len(self.values) > MAX_LABELS or self.longest > MAX_LABEL_CHARS:
                self.values = None
        if self._seen is not None:
            self.n_twice += (key := hash(cell)) in self._seen
            self._seen.add(key)
            if self.n_twice > 20 + self.n_rows / 10:
                self._seen = None

    @property
    def words(self) -> set[str]:
        """The words of its name."""
        return set(split_name(self.name))

    @property
    def may_be_labels(self) -> bool:
        """Whether its cells are few different short ones."""
        return self.values is not None and 1 < len(self.values) <= max(2, self.n_filled // 2)

    @property
    def may_be_id(self) -> bool:
        """Whether each row has a short cell of its own here."""
        return self.n_filled == self.n_rows and not self.n_twice and 0 < self.longest <= _MAX_ID_CHARS

    @property
    def repeats(self) -> bool:
        """Whether many of its cells stood before."""
        return self.n_twice > max(2, self.n_rows / 10)

    @property
    def is_named_id(self) -> bool:
        """Whether it is called so."""
        return bool(self.words & _ID_WORDS) or self.name.casefold().endswith("id")

    @property
    def is_named_text(self) -> bool:
        """Whether it is called so."""
        return bool(self.words & _TEXT_WORDS)

    @property
    def textness(self) -> float:
        """How much it looks like texts: its mean length in characters, less where the cells are one word each."""
        mean = self.n_chars / self.n_filled if self.n_filled else 0.0
        return mean if 2 * self.n_spaced >= self.n_filled else 0.3 * mean


def read_columns(rows: RowFile) -> list[ColumnFacts]:
    """Read a table once and return what its columns are like."""
    columns = [ColumnFacts(name) for name in rows.columns]
    for row in rows:
        for column in columns:
            column.add(row[column.name])
    return columns


GOLD_WORDS = {"gold", "goldstandard", "truth", "consensus", "konsens", "final", "adjudicated", "reference", "master"}
_LABEL_WORDS = {"label", "labels", "code", "coding", "category", "kategorie", "topic", "thema", "annotation", "class"}
_LABEL_WORDS |= {"sentiment", "stance", "tone", "frame", "theme", "klasse"}
_CODER_WORDS = {"coder", "rater", "annotator", "kodierer", "codierer", "student", "person", "c", "k", "r", "a"}
_SIGNS = ("; ", " | ", ", ", ";", "|", ",", "+")
_OVERLAP = 0.5
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_MIN_SLIP, _RARE = 4, 10
_MISSING = {"na", "n/a", "#n/a", "n.a.", "n. a.", "<na>", "nan", "null", "missing", "not available", "not coded"}
_MISSING |= {"-", "--", "–", "—", ".", "..", "?", "k.a.", "k. a.", "keine angabe", "fehlt", "fehlend", "nicht kodiert"}
_MISSING_CODES = {9.0, 99.0, 999.0, 9999.0}  # of survey data, also with a minus
_POINT_ZERO = re.compile(r"(?<=[0-9])\.0+\Z")


@dataclass(frozen=True)
class GuessedVariable:
    """What was coded: by whom in which column, and with which labels, each counted; `rename` mends other writings.

    `slips` are the labels that look like a slip of a far commoner one, with that one; `n_empty` counts empty cells, and
    `missing` what stands in cells for no label.
    """

    name: str
    columns: Mapping[str, str]
    labels: Mapping[str, int]
    rename: Mapping[str, str] = field(default_factory=dict)
    slips: Mapping[str, str] = field(default_factory=dict)
    separator: str = ""
    n_empty: int = 0
    missing: Mapping[str, int] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The kind of variable that such labels usually are."""
        if self.separator:
            return "multi"
        return (
            "rating" if len(self.labels) > 2 and all(as_number(name) is not None for name in self.labels) else "single"
        )

    @property
    def level(self) -> str:
        """The level of measurement that such labels usually have."""
        return "ordinal" if self.kind == "rating" else "nominal"


def find_variables(
    columns: Sequence[ColumnFacts], *, coders: Sequence[str] = (), gold: str = ""
) -> list[GuessedVariable]:
    """Return what was coded in these columns; `coders` and `gold` name the columns where a person has said them."""
    named = {*coders, gold} - {""}
    likely = [column for column in columns if column.values and (column.name in named or column.may_be_labels)]
    if coders:
        likely = [column for column in likely if column.name in named]
    groups = _group_by_values(likely)
    coded = [
        (name, part)
        for group in groups
        if len(group) > 1 or _stands_alone(group[0], named, groups)
        for name, part in _part_by_names([column.name for column in group], gold).items()
    ]
    by_name = {column.name: column for column in likely}
    names = _tell_apart(name for name, _ in coded)
    variables = [
        _read_labels(name, part, [by_name[column] for column in part.values()])
        for name, (_, part) in zip(names, coded, strict=True)
    ]
    return [variable for variable in variables if len(variable.labels) > 1]


def _stands_alone(column: ColumnFacts, named: set[str], groups: Sequence[Sequence[ColumnFacts]]) -> bool:
    """Whether a column that shares its values with no other holds labels all the same."""
    if column.name in named:
        return True
    alone = all(len(group) == 1 for group in groups)
    return alone and not named and bool(column.words & (_LABEL_WORDS | GOLD_WORDS))


def _group_by_values(columns: Iterable[ColumnFacts]) -> list[list[ColumnFacts]]:
    groups: list[tuple[set[str], list[ColumnFacts]]] = []
    for column in columns:
        cells = column.values or Counter[str]()
        values = {near_form(part) for cell in cells for part in re.split(r"[;|,]", cell)}
        for shared, group in groups:
            if len(values & shared) >= _OVERLAP * min(len(values), len(shared)):
                group.append(column)
                shared |= values
                break
        else:
            groups.append((values, [column]))
    return [group for _, group in groups]


def _part_by_names(names: Sequence[str], gold: str) -> dict[str, dict[str, str]]:
    """Return variable -> coder -> column, as the names of columns of one set of values say.

    Examples
    --------
    >>> _part_by_names(["anna_topic", "ben_topic", "gold"], "")
    {'topic': {'anna': 'anna_topic', 'ben': 'ben_topic', 'gold': 'gold'}}
    >>> _part_by_names(["topic1", "topic2"], ""), _part_by_names(["anna", "ben"], "")
    ({'topic': {'coder1': 'topic1', 'coder2': 'topic2'}}, {'label': {'anna': 'anna', 'ben': 'ben'}})
    >>> list(_part_by_names(["coder1_tone", "coder2_tone", "coder1_frame", "coder2_frame"], "").values())[0]
    {'coder1': 'coder1_tone', 'coder2': 'coder2_tone'}
    """
    words = {name: split_name(name) for name in names}
    golden = [name for name in names if name == gold or set(words[name]) & GOLD_WORDS]
    of_people = [name for name in names if name not in golden] or list(names)
    variables = _name_variables({name: words[name] for name in of_people})
    parts: dict[str, dict[str, str]] = {}
    for name in of_people:
        what, who = variables[name]
        parts.setdefault(what, {})["gold" if name in golden else who] = name
    for name in golden:
        fitting = [what for what in parts if set(split_name(what)) & set(words[name])] or list(parts)
        parts[fitting[0]].setdefault("gold", name)
    return parts


def _name_variables(words: Mapping[str, list[str]]) -> dict[str, tuple[str, str]]:
    """Return column -> (variable, coder)."""
    alone = len(words) == 1
    common = set.intersection(*map(set, words.values())) & _LABEL_WORDS if alone else _find_common(words)
    rest = {name: [part for part in parts if part not in common] for name, parts in words.items()}
    if common and (alone or all(rest.values())):
        what = "_".join(part for part in next(iter(words.values())) if part in common)
        return {name: (what, _name_coder(parts)) for name, parts in rest.items()}
    lasts, firsts = (Counter(parts[at] for parts in words.values()) for at in (-1, 0))
    if min(map(len, words.values())) > 1 and all(n > 1 for n in lasts.values()) and not all(map(str.isdigit, lasts)):
        return {name: (parts[-1], _name_coder(parts[:-1])) for name, parts in words.items()}
    if min(map(len, words.values())) > 1 and all(n > 1 for n in firsts.values()) and not firsts.keys() & _CODER_WORDS:
        return {name: (parts[0], _name_coder(parts[1:])) for name, parts in words.items()}
    return {name: ("label", name) for name in words}


def _find_common(words: Mapping[str, list[str]]) -> set[str]:
    """The words that stand in every name and are no word for a coder."""
    common = set.intersection(*map(set, words.values())) - _CODER_WORDS
    return {word for word in common if not word.isdigit()}


def _name_coder(words: Sequence[str]) -> str:
    name = "".join(words)
    return name if name and not name.isdigit() else f"coder{name or 1}"


def _tell_apart(names: Iterable[str]) -> list[str]:
    """Names that a codebook takes, each once."""
    seen = Counter[str]()
    legal = []
    for raw in names:
        name = "".join(sign if sign.isascii() and sign.isalnum() else "_" for sign in raw)[:36].strip("_")
        name = name if name[:1].isalpha() else f"v{name}"
        seen[name] += 1
        legal.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return legal


def _read_labels(name: str, columns: Mapping[str, str], facts: Sequence[ColumnFacts]) -> GuessedVariable:
    """Put the labels of all coders together: writings that differ by blanks or capitals are one, the commonest.

    Where all labels are numbers, 1.0 is a 1 that stood beside an empty cell in a table of pandas.
    """
    cells = sum((column.values or Counter[str]() for column in facts), Counter[str]())
    separator = _find_separator(cells)
    labels = Counter[str]()
    for cell, n in cells.items():
        for part in cell.split(separator) if separator else [cell]:
            if part.strip():
                labels[part] += n
    missing = {label: labels.pop(label) for label in find_missing(labels)}
    spellings: dict[str, Counter[str]] = {}
    for label, n in labels.items():
        spellings.setdefault(near_form(label), Counter())[label] += n
    are_numbers = all(as_number(label) is not None for label in labels)
    counted, rename = dict[str, int](), dict[str, str]()
    for writings in spellings.values():
        chosen = max(writings, key=lambda label: (writings[label], label == label.strip(), label)).strip()
        chosen = _POINT_ZERO.sub("", chosen) if are_numbers else chosen
        counted[chosen] = writings.total()
        rename |= {label: chosen for label in writings if label != chosen}
    slips = find_slips(counted)
    for rare, common in slips.items():
        counted[common] += counted.pop(rare)
        rename |= dict.fromkeys(spellings[near_form(rare)], common)
    n_empty = sum(column.n_rows - column.n_filled for column in facts)
    return GuessedVariable(name, columns, _in_order(counted), rename, slips, separator, n_empty, missing)


def find_missing(labels: Iterable[str]) -> list[str]:
    """Return what stands for no label: a usual mark, and among numbers a code far above all others, such as 99.

    Examples
    --------
    >>> find_missing(["war", "N/A", " n/a", "none", "-"]), find_missing(["1", "2", "3", "-99", "99"])
    (['N/A', ' n/a', '-'], ['-99', '99'])
    >>> find_missing(["7", "8", "9"]), find_missing(["20", "60", "99"]), find_missing(["1", "2", "NA", "9"])
    ([], [], ['NA', '9'])
    """
    marks = [label for label in labels if label.strip().casefold() in _MISSING]
    numbers = {label: as_number(label.strip()) for label in labels if label not in marks}
    known = [abs(number) for number in numbers.values() if number is not None]
    if len(known) < len(numbers):
        return marks
    codes = {label: abs(number) for label, number in numbers.items() if number and abs(number) in _MISSING_CODES}
    most = max((number for number in known if number not in codes.values()), default=math.inf)
    return marks + [label for label, code in codes.items() if code > 2 * most]


def find_slips(labels: Mapping[str, int]) -> dict[str, str]:
    """Return the rare labels that are one sign, or the writing of an umlaut, away from one ten times as common.

    Numbers are never slips, nor is what begins otherwise: moral and amoral are two labels.

    Examples
    --------
    >>> find_slips({"Technik": 124, "Techni": 4, "Länder": 56, "Laender": 3, "Sport 1": 90, "Sport 2": 3})
    {'Techni': 'Technik', 'Laender': 'Länder'}
    """
    from rapidfuzz.distance import OSA

    words = {label: label.casefold().translate(_UMLAUTS) for label in labels if len(label) >= _MIN_SLIP}

    def is_slip(rare: str, common: str) -> bool:
        if labels[rare] * _RARE > labels[common] or re.findall(r"\d", rare) != re.findall(r"\d", common):
            return False
        return words[rare][0] == words[common][0] and OSA.distance(words[rare], words[common]) <= 1

    meant = {rare: [common for common in words if is_slip(rare, common)] for rare in words}
    return {rare: likely[0] for rare, likely in meant.items() if len(likely) == 1}


def _in_order(labels: Mapping[str, int]) -> dict[str, int]:
    numbers = {label: as_number(label) for label in labels}
    if None not in numbers.values():
        return {label: labels[label] for label in sorted(labels, key=lambda label: numbers[label] or 0.0)}
    return {label: labels[label] for label in sorted(labels, key=str.casefold)}


def _find_separator(cells: Mapping[str, int]) -> str:
    """The sign between several labels of one cell, or "": taken apart there, the cells have fewer different parts.

    Examples
    --------
    >>> _find_separator({"war": 9, "war; oil": 2, "oil": 3, "oil; trade": 1, "trade": 2}), _find_separator({"a, b": 3})
    ('; ', '')
    """

    def count(sign: str) -> int:
        return len({part for cell in cells for part in cell.split(sign)})

    fewer = {sign: n for sign in _SIGNS if (n := count(sign)) < len(cells)}
    return min(fewer, key=lambda sign: fewer[sign]) if fewer else ""
