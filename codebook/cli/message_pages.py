"""What is read beside the help: the page of a class of messages, and an example of each command at its end."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
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


EXAMPLES = """\
codebook adopt ../from_a_colleague/runs/topics
codebook assign --coder ann --coder ben --double 0.2
codebook board
codebook cancel topics --shard 3
codebook check
codebook check --units data/texts.csv --coders coders.yaml
codebook code --coder ann
codebook code --adjudicator ruth
codebook collect topics --wait
codebook compare topics topics.v2
codebook compare codebook.yaml drafts/codebook.yaml --page changes.html
codebook costs --by model
codebook delete-remote topics
codebook deposit topics --texts digest
codebook discard trial
codebook erase 1523
codebook errors topics
codebook execute study.yaml
codebook execute notebooks/06_reliability.ipynb -p replicates=5000
codebook execute --replay runs/topics
codebook explain UnitsError
codebook freeze
codebook import data/label_studio.json --unit doc_id
codebook import street.qdpx --codebook street.qdc --coded-by all --join
codebook lab
codebook new my-study --from texts.xlsx
codebook open topics
codebook pilot --limit 30 --paraphrase paraphrase.yaml --dry-run
codebook plan --engine openai_batch --model gpt-6-luna --dry-run
codebook plan --grid
codebook preflight --model gpt-6-luna
codebook read-sheet coding/handouts/news.ann.xlsx
codebook records articles entities entities.xlsx
codebook reliability topics --by label
codebook reliability --codebook codebook.yaml --coders coders.yaml
codebook report topics --out for_the_referee.html
codebook report topics --paper
codebook retry topics --why truncated --max-tokens 4000
codebook retry topics --model gpt-6-luna
codebook retry topics --show-error
codebook run --engine openai_batch --model gpt-6-luna --cap 5
codebook runs
codebook sheets --coder ann --as page
codebook status topics
codebook status --state completed --sort cost
codebook submit topics --cap 5
codebook table topics labels.xlsx --wide
codebook tidy --older-than 90
codebook transcripts minutes --text
codebook trust llm.example.edu
codebook validity topics --by label
codebook validity topics --second
codebook verify ~/Downloads/topics.zip
"""


def add_examples(commands: Mapping[str, click.Command]) -> None:
    """Put the examples of each command at the end of its help, each on a line of its own."""
    for name, command in commands.items():
        lines = [line for line in EXAMPLES.splitlines() if line.split()[1] == name]
        examples = "\b\nFor example:\n" + "\n".join(f"  {line}" for line in lines)
        command.epilog = "\n\n".join(filter(None, [command.epilog, examples if lines else ""]))
