"""The columns of the sheet in which a coder answers, as they are written and looked for again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from codebook.scheme import Codebook
from codebook.scheme.model import Category, Variable

CODING, CODES, INSTRUCTIONS, ABOUT = "coding", "codebook", "instructions", "about"
"""The sheets: where answers stand, what the codes mean, what to do, and (hidden) whose workbook this is."""
MARK = "x"
NONE_OF_THESE = "(none of these)"
HEAD_ROW = 2
"""Row of the columns' names; above it stand the questions."""
FORMAT = "coding workbook 1"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, what stands above it, and what is in it.

    `role` is one of unit, again, text (of the unit), context, choice, number, words (of the coder), mark, note, flag,
    skip. `code` is that of a column of marks, empty for none of these.
    """

    head: str
    role: str
    above: str = ""
    variable: str = ""
    code: str = ""

    @property
    def is_answer(self) -> bool:
        """Whether a coder fills it in."""
        return self.role not in ("unit", "again", "text", "context")


UNIT = Column("unit id", "unit")
AGAIN = Column("time shown", "again", "The same unit comes more than once")
TEXT = Column("text of the unit", "text")
EXTRAS = (
    Column("your note", "note", "Anything that you want to say"),
    Column("flag", "flag", "To talk about"),
    Column("skip, because", "skip", "You cannot code it now: why"),
)


def lay_out_columns(codebook: Codebook, contexts: Iterable[str] = (), *, again: bool = False) -> list[Column]:
    """Return the columns of a workbook in their order.

    Examples
    --------
    >>> from codebook.scheme import parse_codebook
    >>> book = parse_codebook('''
    ... name: coal
    ... unit: a post
    ... variables:
    ...   - {name: stance, question: "For it?", kind: rating, level: ordinal, categories: ["-1", "1"]}
    ...   - {name: frames, question: "Which?", kind: multi, level: nominal, categories: [jobs, health]}
    ... ''')
    >>> [column.head for column in lay_out_columns(book, ["speaker"])]  # doctest: +NORMALIZE_WHITESPACE
    ['unit id', '(speaker)', 'text of the unit', 'stance', 'frames: jobs', 'frames: health', 'frames: (none of these)',
     'your note', 'flag', 'skip, because']
    """
    beside = [Column(f"({name})", "context") for name in contexts]
    answers = [column for variable in codebook.variables for column in _lay_out_variable(variable)]
    return [UNIT, *([AGAIN] if again else []), *beside, TEXT, *answers, *EXTRAS]


def _lay_out_variable(variable: Variable) -> list[Column]:
    name, question = variable.name, variable.question
    if not variable.is_set:
        return [Column(name, answer_role(variable), question, name)]
    marks = [Column(f"{name}: {code}", "mark", "", name, code) for code in variable.labels]
    marks.append(Column(f"{name}: {NONE_OF_THESE}", "mark", "", name))
    return [Column(marks[0].head, "mark", question, name, marks[0].code), *marks[1:]]


def answer_role(variable: Variable) -> str:
    """What kind of cell takes the answers of a variable; empty where no cell can."""
    if variable.is_number or variable.kind == "text":
        return "number" if variable.is_number else "words"
    return "" if not variable.labels else "mark" if variable.is_set else "choice"


def list_codes(variable: Variable) -> list[Category]:
    """The codes of a variable, abstentions last, as the sheet of the codebook lists them."""
    return [*variable.categories, *variable.abstain]
