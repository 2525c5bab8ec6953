"""The three files of a study, written for a table that was looked at.

A line that begins with `# guessed:` says what was taken for what and why; `# question:` what only a person knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path

from codebook.codings.coder_files.label_mends import quote
from codebook.ground.quantities import is_or_are, say_count
from codebook.scaffold.coder_columns import GuessedVariable
from codebook.scaffold.table_guess import TableGuess

MARKS = ("# guessed:", "# question:")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_NO_TEXTS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
_NO_LABELS = GuessedVariable("topic", {}, {"first": 0, "second": 0})


def draft_codebook(name: str, guess: TableGuess) -> str:
    """The text of `codebook.yaml`: categories from the labels that were found, and questions for what was not."""
    lines = [
        f"# Made from {guess.place.path.name}. Look at what is guessed; answer each `# question:` and delete its line.",
        f"name: {name}",
        'version: "1"',
        "# question: what is one unit, in words that a coder understands, such as `one headline of a newspaper`?",
        "unit: one text",
        "# question: what holds for all that is coded?",
        'instructions: "Judge only what the text says."',
        "variables:",
    ]
    for variable in guess.variables or [_NO_LABELS]:
        lines += _draft_variable(variable)
    return "\n".join(lines) + "\n"


def _draft_variable(variable: GuessedVariable) -> Iterator[str]:
    has_columns = bool(variable.columns)
    if not has_columns:
        yield "  # question: no column of labels was found; what is to be coded, and in which categories?"
    yield f"  - name: {as_yaml(variable.name)}"
    yield "    # question: what does the coder answer?"
    yield f"    question: {quote(f'What is the {variable.name} of the text?')}"
    reasons = {
        "multi": f"cells hold several labels with {variable.separator!r} between them",
        "rating": "all labels are numbers",
        "single": "each cell holds one label",
    }
    if has_columns:
        yield f"    # guessed: {variable.kind}, because {reasons[variable.kind]}"
    yield f"    kind: {variable.kind}"
    yield f"    # question: {_ask_level(variable)}"
    yield f"    level: {variable.level}"
    yield "    categories:"
    for label, n in variable.labels.items():
        yield f"      - name: {as_yaml(label)}" + f"  # in {say_count(n, 'cell')}" * has_columns
        yield "        # question: what belongs here, and what does not?"
        yield '        definition: ""'


def _ask_level(variable: GuessedVariable) -> str:
    """Agreement is computed by the level, so it is a question even where there is hardly a doubt."""
    if variable.kind == "multi":
        return "is it right that a text may have several labels? Sets of labels are nominal."
    if variable.kind == "rating":
        return (
            "are the steps equal (write interval), or only in order (ordinal)? Mere codes: kind single, level nominal."
        )
    return "do the categories have an order (write ordinal, and list them in it), or none (nominal)?"


def draft_coders(guess: TableGuess, file: str) -> str:
    """The text of `coders.yaml`: an entry for each variable, with a column for each coder."""
    lines = ["# Who labelled the texts. Each entry is a file; its keys are explained in the schema and in the docs."]
    if not guess.variables:
        lines += ["# question: who labelled these texts? No column of labels was found; an entry looks like this:"]
        lines += [f"#   - {{file: {file}, unit: {as_yaml(guess.id_column)}, columns: {{anna: COLUMN, gold: COLUMN}}}}"]
        return "\n".join([*lines, "coders: []"]) + "\n"
    lines.append("coders:")
    if reason := guess.guesses.get("coders"):
        lines.append(f"  # guessed: {reason}")
    if not guess.has_gold:
        lines.append(
            "  # question: whose labels are the gold? Name that coder `gold` here; without gold, nobody can measure "
            "validity."
        )
    for variable in guess.variables:
        lines += _draft_entry(variable, guess, file)
    return "\n".join(lines) + "\n"


def _draft_entry(variable: GuessedVariable, guess: TableGuess, file: str) -> Iterator[str]:
    yield f"  - file: {as_yaml(file)}"
    yield f"    unit: {as_yaml(guess.id_column)}"
    for name, value in guess.form.items():
        yield f"    {name}: {as_yaml(value)}"
    if len(guess.variables) > 1:
        yield f"    variable: {variable.name}"
    yield f"    columns: {_flow(variable.columns)}"
    if variable.separator:
        yield f"    separator: {quote(variable.separator)}"
    if variable.separator and variable.n_empty:
        cells = f"{say_count(variable.n_empty, 'cell')} {is_or_are(variable.n_empty)} empty"
        yield f"    # question: {cells}: not coded (as it is), or none of the categories (write `empty: none`)?"
    if variable.missing:
        cells = ", ".join(f"{mark.strip()!r} in {say_count(n, 'cell')}" for mark, n in variable.missing.items())
        otherwise = "If one is a label, take it out of `skip` and add it to codebook.yaml."
        yield f"    # guessed: {cells}: no label, the unit was not coded. {otherwise}"
        yield f"    skip: [{', '.join(map(quote, variable.missing))}]"
    for rare, common in variable.slips.items():
        otherwise = "If it is a label of its own, take it out of `rename` and add it to codebook.yaml."
        yield f"    # question: is {rare!r} a slip of {common!r}? {otherwise}"
    if variable.rename:
        yield "    # guessed: these are other writings of one label"
        yield f"    rename: {_flow(variable.rename)}"


def draft_study(study: str, run: str, guess: TableGuess, file: str) -> str:
    """The text of `study.yaml`."""
    why = guess.guesses
    _, _, ending = (files("codebook") / "templates/study/study.yaml").read_text("utf-8").partition("gold: gold\n")
    lines = [
        f"# The study in one place: notebooks, commands and Python read it. Made from {guess.place.path.name}.",
        f"study: {as_yaml(study)}",
        f"run: {run}",
        "codebook: codebook.yaml",
        f"units: {as_yaml(file)}",
        *_marked(why, "sheet", "skip_rows", "encoding"),
        *([f"form: {_flow(guess.form)}"] if guess.form else []),
        *_marked(why, "id_column"),
        f"id_column: {as_yaml(guess.id_column)}",
        *_marked(why, "text_column"),
        f"text_column: {as_yaml(guess.text_column)}",
        *_ask_context(guess),
        *["coders: coders.yaml"] * bool(guess.variables),
        *["gold: gold"] * guess.has_gold,
    ]
    return "\n".join(lines) + "\n" + ending


def _marked(guesses: Mapping[str, str], *names: str) -> Iterator[str]:
    for name in names:
        if reason := guesses.get(name):
            yield f"# guessed: {name}: {' '.join(reason.split())}"


def _ask_context(guess: TableGuess) -> Iterator[str]:
    if guess.other_texts:
        texts = ", ".join(map(repr, guess.other_texts))
        yield f"# question: {texts} holds long texts, too. Is it to be shown with the text? If so:"
        yield f"# context_columns: [{', '.join(map(as_yaml, guess.other_texts))}]"


def _flow(pairs: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{as_yaml(name)}: {as_yaml(value)}" for name, value in pairs.items()) + "}"


def as_yaml(text: str) -> str:
    """Write a text as a scalar of YAML that every reader takes for that text.

    Examples
    --------
    >>> print(as_yaml("anna"), as_yaml("no"), as_yaml("1"), as_yaml("tax, trade"))
    anna 'no' '1' 'tax, trade'
    """
    return text if _PLAIN.fullmatch(text) and text.casefold() not in _NO_TEXTS else quote(text)


def list_marks(texts: Mapping[str, str], mark: str) -> list[str]:
    """What stands after a mark in these files, each sentence once with all its places.

    Examples
    --------
    >>> list_marks({"a.yaml": "x: 1\\n# question: why?\\n# question: why?\\n"}, "# question:")
    ['a.yaml, lines 2, 3: why?']
    """
    places: dict[tuple[str, str], list[int]] = {}
    for file, text in texts.items():
        for number, line in enumerate(text.splitlines(), 1):
            if line.lstrip().startswith(mark):
                places.setdefault((file, line.lstrip().removeprefix(mark).strip()), []).append(number)
    return [
        f"{file}, line{'s' * (len(numbers) > 1)} {_say_lines(numbers)}: {words}"
        for (file, words), numbers in places.items()
    ]


def _say_lines(numbers: list[int]) -> str:
    lines = ", ".join(map(str, numbers[:3]))
    return lines if len(numbers) <= 3 else f"{lines} and {len(numbers) - 3} more"


def tell_guess(guess: TableGuess, folder: Path) -> str:
    """Say what was taken from a table, what was guessed, what a person has to answer, and what is not used.

    Examples
    --------
    >>> import codebook as cb
    >>> from codebook.scaffold import TableChoice, guess_table
    >>> guess = guess_table(TableChoice(Path("data/texts.csv")))
    >>> tell_guess(guess, Path(".")).splitlines()[3]
    "  ids 'id', texts 'text'"
    """
    texts = {
        name: (folder / name).read_text(encoding="utf-8") for name in ("codebook.yaml", "coders.yaml", "study.yaml")
    }
    sheet = f", sheet {guess.place.sheet!r}" if guess.place.sheet else ""
    coded = [
        f"{variable.name}: {', '.join(variable.columns)}, {say_count(len(variable.labels), 'label')}"
        for variable in guess.variables
    ]
    parts = {
        "taken": [
            f"{guess.place.path.name}{sheet}: {guess.n_rows:,} rows, with the names of the columns in row "
            f"{guess.place.skip_rows + 1}",
            f"ids {guess.id_column!r}, texts {guess.text_column!r}",
            *coded,
        ],
        "guessed": list_marks(texts, MARKS[0]),
        "to answer": list_marks(texts, MARKS[1]),
        "not used": [f"column {name!r}" for name in guess.unused]
        + [f"sheet {name!r}" for name in guess.place.other_sheets],
    }
    blocks = [[f"{head}:", *(f"  {line}" for line in lines)] for head, lines in parts.items() if lines]
    return "\n".join(["", *(line for block in blocks for line in block)])
