"""Answers that are known before a coder gives them: of the codebook's own examples, or of a gold; with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from codebook.analysis.core.codings import Codings
from codebook.coding.deciding.sides import read_label
from codebook.coding.label_values import Label
from codebook.errors import Fault, ParameterError
from codebook.files.lines import read_lines, write_lines
from codebook.records import Unit
from codebook.scheme import Codebook, Variable

_FILE = "known_answers.jsonl"


class KnownAnswer(NamedTuple):
    """The right label of a unit on one variable, and why it is right.

    Examples
    --------
    >>> KnownAnswer("u1", "topic", "sports", "A match is a game.").label
    'sports'
    """

    unit_id: str
    variable: str
    label: Label
    why: str = ""


def example_units(codebook: Codebook, variable: str = "") -> tuple[list[Unit], list[KnownAnswer]]:
    """The text examples of a variable's codes as units, with the code as the right answer and its reason.

    Examples
    --------
    >>> from codebook.scheme import parse_codebook
    >>> book = parse_codebook('''
    ... name: tone
    ... unit: a post
    ... variables:
    ...   - {name: tone, question: "?", kind: single, level: nominal, categories: [
    ...       {name: good, examples: [{text: "Well done!", why: praise}]}, bad]}
    ... ''')
    >>> units, answers = example_units(book)
    >>> units[0].text, answers[0].label, answers[0].why
    ('Well done!', 'good', 'praise')
    """
    chosen = codebook.variable(variable)
    units, answers = [], []
    for category in (*chosen.categories, *chosen.abstain):
        for number, example in enumerate((each for each in category.examples if each.text), start=1):
            unit_id = f"example {category.name} {number}"
            units.append(Unit(unit_id, example.text))
            label = [category.name] if chosen.is_set else category.name
            answers.append(KnownAnswer(unit_id, chosen.name, label, example.why))
    return units, answers


def list_known(codings: Codings, coder: str = "") -> list[KnownAnswer]:
    """The labels of the coder whose answers count as right; by default the gold standard.

    Raises
    ------
    ParameterError
        Nobody of that name labelled anything.

    Examples
    --------
    >>> import codebook as cb
    >>> codings = cb.open_run("topics").codings()
    >>> len(list_known(codings, codings.models[0]))
    12
    """
    name = coder or codings.gold
    kinds = {each.name: each.kind for each in codings.variables}
    frame = codings.frame
    rows = frame[(frame["coder"] == name) & frame["label"].notna() & (frame["draw"] == 0)]
    if rows.empty:
        problem = f"{name!r} has no labels" if name else "no coder is the gold standard"
        fault = Fault("coder", problem, f"name one of {', '.join(codings.coders)}")
        raise ParameterError("There are no known answers.", [fault])
    cells = rows[["unit_id", "variable", "label"]].itertuples(index=False)
    return [KnownAnswer(str(unit), name, read_label(str(label), kinds[name])) for unit, name, label in cells]


def write_known(folder: Path, round_name: str, answers: Iterable[KnownAnswer]) -> None:
    """Keep the known answers of a round in a coding folder, beside those of other rounds."""
    path = folder / _FILE
    lines = [line for line in _read_lines(path) if line["round"] != round_name]
    lines += [{"round": round_name, **each._asdict()} for each in answers]
    write_lines(path, lines)


def read_known(folder: Path, round_name: str) -> dict[str, dict[str, KnownAnswer]]:
    """The known answers of a round by unit and variable; none where it is no training."""
    known: dict[str, dict[str, KnownAnswer]] = {}
    for line in _read_lines(folder / _FILE):
        if line["round"] == round_name:
            answer = KnownAnswer(line["unit_id"], line["variable"], line["label"], line["why"])
            known.setdefault(answer.unit_id, {})[answer.variable] = answer
    return known


def _read_lines(path: Path) -> list[Mapping[str, Any]]:
    return list(read_lines(path)) if path.is_file() else []


def find_reason(answer: KnownAnswer, variable: Variable) -> str:
    """Why an answer is right: its own reason, or else the definitions of its codes."""
    if answer.why:
        return answer.why
    codes = answer.label if isinstance(answer.label, list) else [answer.label]
    every = (*variable.categories, *variable.abstain)
    return "\n".join(f"{each.name}: {each.definition}" for each in every if each.name in codes and each.definition)
