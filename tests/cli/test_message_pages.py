"""Each class of messages has a page that a person reaches without a network: the message's last line says how."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from commands import Command

from codebook.cli.message_pages import message_classes, message_page, message_tree
from codebook.errors import ExecutionError, MissingExtraError, ParameterError

MORE = {"MissingExtraError": ("this", "embedded"), "ExecutionError": ("a.ipynb", 3, "x", "y")}


@pytest.mark.parametrize("name", message_classes())
def test_a_message_ends_with_the_command_that_prints_the_page_of_its_class(name: str, command: Command) -> None:
    error = message_classes()[name](*MORE.get(name, ("It is wrong.",)))
    (note,) = error.__notes__
    assert note == error.page == f"More on such a message: codebook explain {name}"
    shown = command(*note.split(": codebook ")[1].split())
    assert shown.stdout.startswith(f"{name}: ")
    assert len(shown.stdout.splitlines()) > 2, "what a person does then"
    assert not re.search(r"\]\(|\.md", shown.stdout), "no address that a terminal cannot follow"


def test_a_command_that_fails_names_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command) -> None:
    monkeypatch.chdir(tmp_path)
    shown = command("report", "topics")
    assert re.fullmatch(r"More on such a message: codebook explain \w+Error", shown.stderr.splitlines()[-1])


def test_without_a_name_all_are_listed_and_a_misspelt_one_gets_the_nearest(command: Command) -> None:
    assert command("explain").stdout.strip() == message_tree()
    with pytest.raises(ParameterError, match="did you mean 'UnitsError'"):
        message_page("UnitError")


def test_a_message_that_is_raised_for_two_reasons_is_noted_once() -> None:
    assert len(MissingExtraError("this", "embedded").__notes__) == len(ExecutionError("a", 1, "x", "y").__notes__) == 1
