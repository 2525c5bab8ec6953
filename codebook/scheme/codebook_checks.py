"""What the fields of a variable get wrong together. Each check yields (path in the file, problem, mend)."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise

from codebook.ground.joins import spell
from codebook.ground.quantities import say_count
from codebook.scheme.model import Category, Codebook, RecordField, RecordList, Variable
from codebook.scheme.number_values import MOST_POINTS, list_points, read_number

Loc = tuple[str | int, ...]
Finding = tuple[Loc, str, str]

MAX_LABELS = 1_000
"""Enum values that a strict JSON schema may hold; above 250 their text may have `MAX_LABEL_TEXT` characters."""
MAX_LABEL_TEXT = 15_000
COMMAND_KEYS = frozenset("usfngcmhz/?")
"""Keys of the coding form that are no codes: undo, skip, flag, note, go to, context, mark, help, zoom, search."""


def as_number(text: str) -> float | None:
    """The number that a category name spells, or None."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in text else None


def fold_name(name: str) -> str:
    """Return a name as it is compared with others: capitals and Unicode forms make no difference.

    Examples
    --------
    >>> fold_name("E\u0301conomie") == fold_name("\u00e9conomie")
    True
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _say_twins(first: str, second: str) -> str:
    if first.casefold() == second.casefold():
        return f"the name {second!r} is used twice"
    return f"the name {spell(second)} is {spell(first)} again, with the same letters in another Unicode form"


def check_names(codebook: Codebook) -> Iterator[Finding]:
    """Two variables may not share a name."""
    seen: dict[str, int] = {}
    for place, variable in enumerate(codebook.variables):
        first = seen.setdefault(variable.name.casefold(), place)
        if first != place:
            yield ("variables", place, "name"), f"a second variable is named {variable.name!r}", "give it another name"


def check_alone(codebook: Codebook) -> Iterator[Finding]:
    """A variable of kind embedding goes to another endpoint than questions do, so it stands alone."""
    for place, variable in enumerate(codebook.variables):
        if variable.kind == "embedding" and len(codebook.variables) > 1:
            mend = "give it a codebook of its own"
            yield ("variables", place, "kind"), "vectors cannot be asked for beside other variables", mend


def check_variable(variable: Variable) -> Iterator[Finding]:
    """Yield what is wrong with one variable whose fields are each all right; paths start inside the variable."""
    yield from _check_bounds(variable)
    if variable.is_open:
        yield from check_open(variable)
        return
    yield from check_categories(variable)
    yield from _check_level(variable)
    yield from _check_images(variable)
    if variable.lists:
        yield ("lists",), f"lists of records for a variable of kind {variable.kind}", "write `kind: records`"
    if variable.tables:
        yield ("tables",), f"tables for a variable of kind {variable.kind}", "write `kind: transcription`"


def check_categories(variable: Variable) -> Iterator[Finding]:
    """Yield what is wrong with the categories, whatever the level: too few, too many, or of one name."""
    least = {"multi": 1, "number": 0}.get(variable.kind, 2)
    if len(variable.categories) < least and variable.minimum is None and variable.maximum is None:
        yield ("categories",), f"it has only {len(variable.categories)}", f"give at least {least}"
    seen: dict[str, str] = {}
    for group in ("categories", "abstain"):
        for place, category in enumerate(getattr(variable, group)):
            where = (group, place, "name")
            if not category.name.isprintable():
                yield where, f"the name {category.name!r} holds a control character", "write the name on one line"
            if twin := seen.get(fold_name(category.name)):
                yield where, _say_twins(twin, category.name), "rename or remove one"
            seen.setdefault(fold_name(category.name), category.name)
    yield from _check_keys((*_place("categories", variable.categories), *_place("abstain", variable.abstain)))
    yield from _check_schema_limits(variable)


def _place(name: str, categories: Sequence[Category]) -> Iterator[tuple[Loc, Category]]:
    return (((name, place, "key"), category) for place, category in enumerate(categories))


def _check_keys(categories: Sequence[tuple[Loc, Category]]) -> Iterator[Finding]:
    """A key is one sign that can be typed, stands for one code, and is no command of the form."""
    owners: dict[str, str] = {}
    for where, category in categories:
        key = category.key.lower()
        if not key:
            continue
        if key in COMMAND_KEYS:
            mend = f"take another; {', '.join(sorted(COMMAND_KEYS))} are commands"
            yield where, f"the key {category.key!r} is a command of the coding form", mend
        elif not key.isprintable() or key.isspace():
            yield where, f"the key {category.key!r} cannot be pressed as a sign", "take a letter or a digit"
        elif owner := owners.get(key):
            yield where, f"the key {category.key!r} is that of {owner!r} too", "give each code a key of its own"
        owners.setdefault(key, category.name)


def _check_images(variable: Variable) -> Iterator[Finding]:
    """An example is shown as question and answer, and there is no quote or confidence to answer with."""
    if not variable.evidence and not variable.confidence:
        return
    for group in ("categories", "abstain"):
        for place, category in enumerate(getattr(variable, group)):
            for number, example in enumerate(category.examples):
                if example.image:
                    problem = "an example with an image cannot be shown where evidence or confidence is asked"
                    yield (group, place, "examples", number, "image"), problem, "take out the image, or what is asked"


def _check_level(variable: Variable) -> Iterator[Finding]:
    if variable.kind == "multi" and variable.level != "nominal":
        yield ("level",), f"a multi-label variable cannot be {variable.level}", "write `level: nominal`"
    if variable.kind == "rating" and variable.level == "nominal":
        yield ("level",), "a rating cannot be nominal", "write `level: ordinal`, or interval or ratio"
    if variable.is_number and variable.level not in ("interval", "ratio"):
        yield (
            ("level",),
            f"a number cannot be {variable.level}",
            "write `level: interval`, or `level: ratio` where 0 means none",
        )
    if variable.kind == "rating" or (variable.level in ("interval", "ratio") and not variable.is_number):
        yield from _check_numbers(variable)


def _check_numbers(variable: Variable) -> Iterator[Finding]:
    numbers = [as_number(name) for name in variable.scale]
    for place, (name, number) in enumerate(zip(variable.scale, numbers, strict=True)):
        if number is None:
            article = "a" if variable.level == "ratio" else "an"
            what = "a rating" if variable.kind == "rating" else f"{article} {variable.level} variable"
            yield ("categories", place, "name"), f"{name!r} is not a number", f"name the points of {what} by numbers"
    known = [number for number in numbers if number is not None]
    if len(known) == len(numbers) and any(low >= high for low, high in pairwise(known)):
        yield ("categories",), "the scale points are not in ascending order", "list them from the lowest to the highest"


def _check_bounds(variable: Variable) -> Iterator[Finding]:
    """Bounds are of ratings and numbers; those of a rating make a scale, and what is listed beside lies on it."""
    low, high, step = variable.minimum, variable.maximum, variable.step
    bounds = [name for name in ("minimum", "maximum", "step", "decimals") if getattr(variable, name) is not None]
    if variable.kind not in ("rating", "number"):
        for name in bounds:
            yield (name,), f"`{name}` for a variable of kind {variable.kind}", "write `kind: number`, or rating"
        return
    if low is not None and high is not None and low >= high:
        yield ("maximum",), f"the maximum {high:g} is not above the minimum {low:g}", "write the higher one as maximum"
    elif step is not None and step <= 0:
        yield ("step",), f"the step is {step:g}", "write a number above 0"
    elif variable.is_number:
        yield from _check_number(variable)
    elif bounds:
        yield from _check_points(variable)


def _check_number(variable: Variable) -> Iterator[Finding]:
    if variable.level == "ratio" and (variable.minimum is None or variable.minimum < 0):
        mend = "write `minimum: 0`, or `level: interval`"
        yield ("level",), "a ratio scale has no number below zero, and the bounds allow some", mend
    if variable.categories:
        mend = "leave them out, or write `kind: rating`; codes for what has no number go under `abstain`"
        yield ("categories",), "a number is not chosen from categories", mend
    for place, category in enumerate(variable.abstain):
        if read_number(category.name, variable)[0] is not None:
            problem = f"the abstention code {category.name!r} is one of the numbers"
            yield ("abstain", place, "name"), problem, "name it by a word, such as unclear"


def _check_points(variable: Variable) -> Iterator[Finding]:
    lacking = [name for name in ("minimum", "maximum") if getattr(variable, name) is None]
    for name in lacking:
        yield (name,), f"`{name}` is missing", "give both bounds of the scale, or list its points as categories"
    if variable.decimals is not None:
        yield ("decimals",), "`decimals` for a rating", "give its `step`, or write `kind: number`"
    points = list_points(variable.minimum, variable.maximum, variable.step)
    if not lacking and not points:
        problem = f"the steps do not go up from the minimum to the maximum, or make more than {MOST_POINTS} points"
        yield ("step",), problem, "choose another step, or write `kind: number`"
    for place, category in enumerate(variable.categories if points else ()):
        if category.name not in points:
            ends = f"{points[0]}, {points[1]}, ..., {points[-1]}"
            yield ("categories", place, "name"), f"{category.name!r} is no point of the scale", f"use one of {ends}"


def check_open(variable: Variable) -> Iterator[Finding]:
    """Yield what is wrong with a variable of records, transcriptions or vectors."""
    for field in ("categories", "abstain", "evidence", "confidence"):
        if getattr(variable, field):
            mend = "leave it out" if variable.kind != "records" else "leave it out; records have `fields`"
            yield (field,), f"`{field}` for a variable of kind {variable.kind}", mend
    if variable.tables and variable.kind != "transcription":
        yield ("tables",), f"tables for a variable of kind {variable.kind}", "leave it out"
    if (variable.kind == "records") != bool(variable.lists):
        mend = "give `fields`, or several `lists`, for kind records and for no other"
        yield ("kind",), f"kind {variable.kind} with {len(variable.lists)} lists of records", mend
    yield from _check_twice(variable.lists, ("lists",))
    for place, records in enumerate(variable.lists):
        yield from _check_twice(records.fields, ("lists", place, "fields"))
        for number, field_ in enumerate(records.fields):
            yield from _check_field(field_, ("lists", place, "fields", number))


def _check_twice(named: Sequence[RecordList | RecordField], loc: Loc) -> Iterator[Finding]:
    """Two lists, or two fields of a list, may not share a name."""
    seen: set[str] = set()
    for place, part in enumerate(named):
        if part.name.casefold() in seen:
            yield (*loc, place, "name"), f"the name {part.name!r} is used twice", "rename or remove one"
        seen.add(part.name.casefold())


def _check_field(field: RecordField, loc: Loc) -> Iterator[Finding]:
    """A choice has categories, each of its own name; nothing else has any."""
    if field.kind == "choice" and len(field.categories) < 2:
        yield (*loc, "categories"), f"a choice between {len(field.categories)}", "give at least 2 categories"
    if field.kind != "choice" and field.categories:
        yield (*loc, "categories"), f"categories for a field of kind {field.kind}", "write `kind: choice`"
    firsts: dict[str, str] = {}
    for place, name in enumerate(field.labels):
        if fold_name(name) in firsts:
            problem = _say_twins(firsts[fold_name(name)], name)
            yield (*loc, "categories", place, "name"), problem, "rename or remove one"
        firsts.setdefault(fold_name(name), name)
    for where, problem, mend in _check_keys(tuple(_place("categories", field.categories))):
        yield (*loc, *where), problem, mend


def _check_schema_limits(variable: Variable) -> Iterator[Finding]:
    size = sum(map(len, variable.labels))
    if len(variable.labels) > MAX_LABELS:
        problem = (
            f"{say_count(len(variable.labels), 'category', 'categories')}; a model can be given {MAX_LABELS:,} at most"
        )
        yield ("categories",), problem, "split the question into two variables, coarse and fine"
    elif len(variable.labels) > 250 and size > MAX_LABEL_TEXT:
        problem = f"the {len(variable.labels)} category names hold {size} characters; {MAX_LABEL_TEXT} are allowed"
        yield ("categories",), problem, "use short codes as names and put the words into the definitions"
