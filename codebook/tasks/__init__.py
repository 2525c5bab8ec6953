"""DRAWER: what is asked. One file per task; a codebook's variable finds its task by its kind.

A task turns a variable into a `Question` once, and then for every unit writes a prompt and reads a reply.
To add a task: a subclass of `Question`, and the line of its package that registers it as an entry point of the group
`codebook.tasks`; the name of the entry point is the kind. Open `question.py` first.
"""

from collections.abc import Iterable
from itertools import islice

from codebook.ground.plugins import TASK_GROUP, list_plugins, load_plugin
from codebook.records import Unit
from codebook.scheme import Codebook
from codebook.tasks.classify import Classify, ClassifyMulti, Rate
from codebook.tasks.embed import Embed
from codebook.tasks.extract import Extract
from codebook.tasks.probes import behaviour_probes, probe_units, reverse_categories
from codebook.tasks.question import Label, Question
from codebook.tasks.transcribe import Transcribe
from codebook.tasks.typed_answers import GiveNumber, GiveText

TASKS: dict[str, type[Question]] = {
    "single": Classify,
    "multi": ClassifyMulti,
    "rating": Rate,
    "number": GiveNumber,
    "text": GiveText,
    "records": Extract,
    "transcription": Transcribe,
    "embedding": Embed,
}


def show_question(codebook: Codebook, units: Iterable[Unit], number: int = 1) -> str:
    """Return the questions about one unit (the first, or the `number`-th) as text: what the model reads, in order.

    Examples
    --------
    >>> import codebook as cb
    >>> question = cb.show_question(cb.read_codebook("codebook.yaml"), cb.open_study().open_units())
    >>> question.splitlines()[1][:48]
    'You are a coder in a content analysis. Code one '
    """
    unit = next(islice(units, number - 1, None))
    texts = []
    for name, question in make_questions(codebook).items():
        prompt = question.write_prompt(unit)
        turns = [f"--- example\n{turn.question}\n--- answer\n{turn.answer}" for turn in prompt.turns]
        texts.append("\n".join([f"=== {name}", prompt.system, *turns, "--- unit", prompt.user]))
    return "\n\n".join(texts)


def find_task(codebook: Codebook) -> type[Question]:
    """Return the task that says where the questions of a codebook go, and what becomes of the answers.

    Examples
    --------
    >>> import codebook as cb
    >>> book = cb.read_codebook("codebook.yaml")
    >>> find_task(book).__name__
    'Classify'
    """
    return _load_task(codebook.variables[0].kind)


def _load_task(kind: str) -> type[Question]:
    task: type[Question] = TASKS[kind] if kind in TASKS else load_plugin(kind, list_plugins(TASK_GROUP)[kind])
    return task


def make_questions(codebook: Codebook) -> dict[str, Question]:
    """Return the question of every variable, by name, in codebook order.

    Examples
    --------
    >>> import codebook as cb
    >>> book = cb.read_codebook("codebook.yaml")
    >>> list(make_questions(book))
    ['topic']
    """
    return {variable.name: _load_task(variable.kind)(codebook, variable) for variable in codebook.variables}


__all__ = [
    "TASKS",
    "Classify",
    "ClassifyMulti",
    "Embed",
    "Extract",
    "GiveNumber",
    "GiveText",
    "Label",
    "Question",
    "Rate",
    "Transcribe",
    "behaviour_probes",
    "find_task",
    "make_questions",
    "probe_units",
    "reverse_categories",
    "show_question",
]
