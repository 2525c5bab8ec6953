"""Every error of the kit. A message says what and where, what was expected, and what to do.

CodebookError
├── InputError            something the user gave is wrong; carries every fault found
│   ├── SchemeError       codebook.yaml or a list of labels
│   ├── UnitsError        the texts to be coded
│   ├── TableError        a table of labels, or a file with coders' labels
│   ├── ParameterError    a parameter of a verb, a notebook or a study
│   └── StatisticError    codings a statistic cannot take
├── RunError              a run that is not in the state the verb needs
│   ├── ChangedPlanError  what is planned is not what the run was planned with, and that was handed in
│   ├── PendingError      answers are still outstanding: come back later
│   ├── BusyError         another process is working on the same run
│   └── BudgetError       going on would cost more than the cap
├── EngineError           whoever should answer cannot
│   ├── MissingExtraError an optional dependency is not installed
│   ├── ReplayError       an archived run lacks an answer
│   ├── MissingKeyError   a service needs an API key, and none is set
│   ├── UnreachableError  a service does not answer now; what it was doing goes on
│   │   ├── UndecidedError it is not known whether a service made a job; nothing is made again
│   │   └── CutShortError  a file of a service came without its end
│   └── GoneError         a service no longer has the job or file
├── RecordError           a file of the record is damaged or gone
├── MachineError          the machine does not let the kit work: a full disk, a lock, no rights, no memory
└── ExecutionError        a notebook failed; carries notebook, cell and cause
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from codebook.visible import spell_block


class CodebookError(Exception):
    """Base of all errors that the kit raises on purpose. What it quotes cannot steer the terminal that shows it.

    A traceback, in a notebook too, ends with the command that prints the page of its class.

    Examples
    --------
    >>> RunError("Run topics was not planned.").__notes__
    ['More on such a message: codebook explain RunError']
    """

    def __init__(self, *words: object) -> None:
        super().__init__(*words)
        self.add_note(self.page)

    @property
    def page(self) -> str:
        """Where its class is explained, offline."""
        return f"More on such a message: codebook explain {type(self).__name__}"

    def __str__(self) -> str:
        return spell_block(super().__str__())


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in an input: where it is, what is wrong there, and the mend.

    Examples
    --------
    >>> print(Fault("codebook.yaml, line 7", "level is missing", "add `level: nominal`"))
    codebook.yaml, line 7: level is missing. To mend: add `level: nominal`.
    """

    where: str
    problem: str
    mend: str

    def __str__(self) -> str:
        return spell_block(f"{self.where}: {self.problem.rstrip('.')}. {say_mend(self.mend)}")


class InputError(CodebookError):
    """Something given is wrong. `faults` lists every fault found, not only the first."""

    def __init__(self, summary: str, faults: Sequence[Fault] = ()) -> None:
        self.summary = summary
        self.faults = tuple(faults)
        super().__init__("\n".join([summary, *(f"  - {fault}" for fault in self.faults)]))

    @classmethod
    def raise_any(cls, summary: str, faults: Sequence[Fault]) -> None:
        """Raise one error with all the faults, if there are any."""
        if faults:
            raise cls(summary, faults)


def unknown_choice(where: str, value: object, allowed: Iterable[str]) -> list[Fault]:
    """The fault of a value that is none of those allowed; none of one that is.

    Examples
    --------
    >>> print(*unknown_choice("how", "median", ["majority", "mean"]))
    how: 'median' is unknown. To mend: pass one of majority, mean.
    """
    known = list(allowed)
    return [] if value in known else [Fault(where, f"{value!r} is unknown", f"pass one of {', '.join(known)}")]


def list_faults(error: CodebookError, where: str) -> list[Fault]:
    """Return the faults that an error carries; of another one its own words, with the place.

    Examples
    --------
    >>> [str(fault) for fault in list_faults(EngineError("Nobody answers. To mend: begin it."), "engine")]
    ['engine: Nobody answers. To mend: begin it.']
    """
    if isinstance(error, InputError) and error.faults:
        return list(error.faults)
    problem, _, mend = str(error).partition(" To mend: ")
    return [Fault(where, problem, mend or "see above")]


class SchemeError(InputError):
    """The codebook file, or the list of labels, is not a usable instrument."""


class UnitsError(InputError):
    """The file of units cannot be coded as it is."""


class TableError(InputError):
    """A table of labels does not keep the contract of the tidy table."""


class ParameterError(InputError):
    """A parameter is unknown, misspelt, of the wrong type or not allowed."""


class StatisticError(InputError):
    """The codings are of a form that the statistic is not defined for."""


class RunError(CodebookError):
    """The run is not in the state that the verb needs."""


class ChangedPlanError(RunError):
    """The run was planned with something else, and handed in: what is planned now is another version of it."""


class PendingError(RunError):
    """Answers are still outstanding; nothing is wrong, come back later."""


class BusyError(RunError):
    """Another process holds the run."""


class BudgetError(RunError):
    """What is left to do would cost more than the cap allows; nothing was sent."""


class EngineError(CodebookError):
    """The engine cannot answer. What a service said stays with the error.

    Attributes
    ----------
    status
        The HTTP status of its reply; 0 where there was none.
    words
        What it said, without the key.
    at
        When it said so by its own clock, in seconds since 1970; None where it does not say.
    unsent
        Whether the request never left this machine.
    """

    status: int = 0
    words: str = ""
    at: float | None = None
    unsent: bool = False


def how_to_install(extra: str) -> str:
    """The command that installs an optional part of the kit."""
    return f"pip install 'codebook-kit[{extra}]' (in a clone: make setup)"


class MissingExtraError(EngineError, ImportError):
    """An optional dependency is missing. The message names the extra to install."""

    def __init__(self, what: str, extra: str) -> None:
        self.extra = extra
        super().__init__(
            f"{what} needs an optional part of the kit that is not installed. To mend: {how_to_install(extra)}."
        )


class ReplayError(EngineError):
    """The archived run has no answer for a request. `keys` are the missing request keys."""

    def __init__(self, message: str, keys: Sequence[str] = ()) -> None:
        self.keys = tuple(keys)
        super().__init__(message)


class MissingKeyError(EngineError):
    """A service needs an API key and none is set. The message names the variable, never a value."""


class UnreachableError(EngineError):
    """A service does not answer now, or says to come back later. Nothing is known to have changed there."""


class UndecidedError(UnreachableError):
    """Whether a service made a job cannot be told from what it says. Nothing was made again; a person may decide."""


class CutShortError(UnreachableError):
    """A file of a service came without its end, each time."""


class GoneError(EngineError):
    """A service no longer has the job or the file, or does not show it to this key."""


class RecordError(CodebookError):
    """A file of the record (shard, result, ledger) is damaged, changed or gone."""


class MachineError(CodebookError):
    """The machine does not let the kit do something: a full disk, a lock, no rights, no memory. Nothing is lost."""


class ExecutionError(CodebookError):
    """A notebook failed. Keeps the notebook, the cell's number and source, and the cause."""

    def __init__(self, notebook: str, cell: int, source: str, cause: str) -> None:
        self.notebook, self.cell, self.source, self.cause = notebook, cell, source, cause
        shown = "\n".join(f"    {line}" for line in source.strip().splitlines())
        super().__init__(f"{notebook}, cell {cell} failed.\n{shown}\n{cause}")


def say_mend(mend: str) -> str:
    """The sentence that tells a mend.

    Examples
    --------
    >>> say_mend("plan it first"), say_mend("did you mean 'topics'?")
    ('To mend: plan it first.', "To mend: did you mean 'topics'?")
    """
    return f"To mend: {mend.rstrip('.')}" + "." * (not mend.endswith("?"))


def mend_name(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return the mend for a name that nobody knows: the nearest that is known, or else all of them.

    Examples
    --------
    >>> mend_name("sed", ["run", "seed"]), mend_name("x", ["run", "seed"])
    ("did you mean 'seed'?", 'use one of run, seed')
    """
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {near[0]!r}?" if near else otherwise or f"use one of {', '.join(names)}"
