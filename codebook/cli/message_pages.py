"""The page of a class of messages: what it means, what people do then, and which other classes there are."""

from __future__ import annotations

import inspect
import re
from importlib.resources import files

import click

from codebook import errors
from codebook.cli.options import say
from codebook.errors import ParameterError, mend_name


@click.command("explain")
@click.argument("name", default="", metavar="[MESSAGE]")
def explain_message(name: str) -> None:
    """Print what a message means and what to do then: its class stands at its end; without a class, all of them."""
    say(message_page(name) if name else message_tree())


def message_classes() -> dict[str, type[errors.CodebookError]]:
    """Every class of messages by its name, in the order of the tree."""
    classes = ((name, each) for name, each in vars(errors).items() if inspect.isclass(each))
    return {name: each for name, each in classes if issubclass(each, errors.CodebookError)}


def message_tree() -> str:
    """The tree of all classes."""
    return inspect.cleandoc(errors.__doc__ or "").split("\n\n", 1)[1]


def read_words() -> dict[str, str]:
    """What people wrote on each class, as Markdown: `templates/messages.md`, a heading for each class."""
    text = (files("codebook") / "templates" / "messages.md").read_text("utf-8")
    parts = re.findall(r"^# (\w+)\n(.*?)(?=^# |\Z)", text, re.DOTALL | re.MULTILINE)
    return {name: words.strip() for name, words in parts}


def message_page(name: str) -> str:
    """The page of a class, for a terminal.

    Examples
    --------
    >>> print(message_page("PendingError"))
    PendingError: Answers are still outstanding; nothing is wrong, come back later.
    <BLANKLINE>
    Nothing is wrong. Come back later, or add `--wait`. Commands end with exit code 3.
    """
    classes = message_classes()
    if name not in classes:
        raise ParameterError(f"There is no message {name!r}. {errors.say_mend(mend_name(name, classes))}")
    words = re.sub(r"\[([^\]]*)\]\(([^)]*)\)", _name_page, read_words()[name])
    return f"{name}: {inspect.cleandoc(classes[name].__doc__ or '')}\n\n{words}"


def _name_page(link: re.Match[str]) -> str:
    """A link of a page as a terminal shows it: its words, and the page of the docs."""
    page = link[2].removesuffix(".md").removeprefix("../").removeprefix("file_")
    return f"{link[1]} (docs: {page})"
