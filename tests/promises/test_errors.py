"""Errors: the tree that the module draws, and messages that keep what they are about."""

import inspect
import re

import pytest

from codebook import errors
from codebook.errors import (
    CodebookError,
    ExecutionError,
    Fault,
    InputError,
    MissingExtraError,
    PendingError,
    ReplayError,
    RunError,
    SchemeError,
)


def drawn_tree() -> dict[str, str]:
    """{error: its base} as the drawing at the top of the module says."""
    above: dict[int, str] = {}
    tree = {}
    for line in errors.__doc__.splitlines():
        if found := re.match(r"([│├└─ ]*)([A-Z]\w+Error)\b", line):
            depth = len(found[1])
            above[depth] = found[2]
            tree[found[2]] = above[max((d for d in above if d < depth), default=depth)]
    return tree


def test_the_tree_is_the_one_that_is_drawn():
    classes = inspect.getmembers(errors, lambda one: inspect.isclass(one) and issubclass(one, CodebookError))
    tree = drawn_tree()
    assert set(tree) == {name for name, _ in classes}
    for name, one in classes:
        assert tree[name] in {name, one.__bases__[0].__name__}
        assert one.__doc__


def test_fault_says_where_what_and_mend():
    assert str(Fault("a.csv, row 2", "no id.", "give one.")) == "a.csv, row 2: no id. To mend: give one."


def test_input_error_keeps_every_fault():
    faults = [Fault("line 1", "x", "a"), Fault("line 2", "y", "b")]
    error = SchemeError("two faults:", faults)
    assert isinstance(error, InputError)
    assert (error.summary, error.faults) == ("two faults:", tuple(faults))
    assert str(error).splitlines() == ["two faults:", "  - line 1: x. To mend: a.", "  - line 2: y. To mend: b."]


def test_input_error_without_faults_is_its_summary():
    error = InputError("nothing there")
    assert (str(error), error.faults) == ("nothing there", ())


def test_missing_extra_is_an_import_error_that_names_the_extra():
    with pytest.raises(ImportError, match=r"pip install 'codebook-kit\[embedded\]'") as caught:
        raise MissingExtraError("the embedded engine", "embedded")
    assert caught.value.extra == "embedded"


def test_replay_error_keeps_the_missing_keys():
    assert ReplayError("2 answers are missing", ["k1", "k2"]).keys == ("k1", "k2")
    assert ReplayError("none").keys == ()


def test_execution_error_shows_the_cell():
    error = ExecutionError("pilot.ipynb", 3, "a = 1\nb = a / 0\n", "ZeroDivisionError: division by zero")
    assert str(error) == ("pilot.ipynb, cell 3 failed.\n    a = 1\n    b = a / 0\nZeroDivisionError: division by zero")
    assert (error.notebook, error.cell, error.cause) == ("pilot.ipynb", 3, "ZeroDivisionError: division by zero")


def test_pending_is_no_fault_of_the_input():
    assert issubclass(PendingError, RunError)
    assert not issubclass(PendingError, InputError)
