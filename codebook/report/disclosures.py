"""What a reader must know of a model's use besides figures, item by item of GUIDE-LLM, from the record of a run.

What the record cannot know is a blank in brackets that says what to write.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from codebook.dialects import read_prompt
from codebook.engines import about_engine
from codebook.errors import CodebookError
from codebook.files.digests import digest_of
from codebook.files.lines import read_lines
from codebook.ground.quantities import say_count
from codebook.records import EMBEDDINGS
from codebook.report.facts import Facts

_SHOWN = 12
_EMBEDDED = "embedded"


def is_called(facts: Facts) -> bool:
    """Whether a service was called for the answers, so that texts left the machine."""
    about = about_engine(facts.asking.engine)
    return about.charges if about else facts.asking.engine != _EMBEDDED


def say_purpose(facts: Facts) -> Iterator[str]:
    """A.1: what the model was used for."""
    names = ", ".join(variable.title or variable.name for variable in facts.book.variables)
    many = "variables" if len(facts.book.variables) > 1 else "variable"
    yield f"A model coded the {many} {names}."
    yield "[Say what else in the study language models were used for, such as writing, translating or programming.]"


def say_autonomy(facts: Facts) -> Iterator[str]:
    """A.2: who decided."""
    yield "The model's labels were given without a person in the loop and stand as they were given."
    if facts.coders.people:
        yield "People coded units on their own, beside it."
    yield "[Say whether people saw, changed or decided any of the model's labels afterwards.]"


def say_access(facts: Facts) -> Iterator[str]:
    """B.2: how the model was reached."""
    options = facts.asking.options
    if not is_called(facts):
        yield "The model ran on the authors' own machine, without a network; each question was a call of its own."
        return
    way = "in batches" if facts.about.batch else "live, one call a question"
    service = f" of {options['provider']}" if options.get("provider") else ""
    yield f"The model was reached by the API{service}, {way} ({facts.asking.url})."


def say_tuning(facts: Facts) -> Iterator[str]:
    """B.4: whether the model was changed for the study."""
    yield "The model was used as it comes; nothing was trained on units of the study."
    if is_called(facts):
        yield f"[Say if {facts.asking.model} is itself a model that somebody fine-tuned, for what and on which data.]"


def say_memory(facts: Facts) -> Iterator[str]:
    """B.5: whether one answer could depend on another."""
    yield "Each question was a request of its own, and no answer saw another one."


def say_prompts(facts: Facts) -> Iterator[str]:
    """C.1: where the exact prompts are."""
    shards = facts.list_files("shards")
    if not shards:
        yield "[Say where the exact prompts can be read: the requests do not lie with this run.]"
        return
    if _is_withheld(shards[0]):
        yield "Every prompt is on record with the authors; only its key is here, since texts of units stay with them."
        return
    digests = ", ".join(digest_of(path)[:_SHOWN] for path in shards[:3]) + (", ..." if len(shards) > 3 else "")
    files = say_count(len(shards), "file")
    yield f"Every prompt is on record to the letter, in {files} of requests (SHA-256 {digests})."


def say_system(facts: Facts) -> Iterator[str]:
    """C.2: what every prompt says alike."""
    for path in facts.list_files("shards")[:1]:
        for line in islice(read_lines(path), 1):
            if line["url"] == EMBEDDINGS or _is_withheld(path):
                return
            try:
                system = read_prompt(line["body"], line["url"]).system
            except (CodebookError, KeyError, ValueError):  # a request of another tool
                return
            words = say_count(len(system.split()), "word")
            yield f"Instructions and codebook stand in the system message ({words} in the first one), units after it."


def say_privacy(facts: Facts) -> Iterator[str]:
    """D.1: what became of personal data."""
    if not is_called(facts):
        yield "No text left the machine on which it was coded."
    elif facts.asking.private:
        yield "The service saw neither ids of units nor the name of the study."
    else:
        yield "The service saw the texts under the names of their requests, which tell the ids of units."
    yield "[Say which personal or sensitive data the units hold, what was masked, and on which ground they were used.]"


def say_processing(facts: Facts) -> Iterator[str]:
    """E.2: what was done with the replies."""
    yield "A reply outside the codebook counts as invalid; none was mended, mapped to a near label or left out."


def say_code(facts: Facts) -> Iterator[str]:
    """F.1: where the code is."""
    if any((facts.folder / "notebooks").glob("*.ipynb")):
        yield "The code is in notebooks, whose executed copies lie with the run."
    else:
        yield "[Say where the code can be read: no executed notebook lies with this run.]"


def say_funding(facts: Facts) -> Iterator[str]:
    """G.1: who paid, and who has an interest."""
    yield "[Say who paid for the study and for the model's use, and which ties the authors have to its provider.]"


def _is_withheld(path: Path) -> bool:
    """Whether requests are replaced by keys, as in a deposit without texts."""
    return any("withheld" in line["body"] for line in islice(read_lines(path), 1))
