"""DRAWER: what is asked. One file a task; a codebook's variable finds its task by its kind.

A task turns a variable into a `Question` once, and then for every unit writes a prompt and reads a reply.
To add a task: a file with a subclass of `Question`, a line in `TASKS`, the kind in `codebook.scheme.model.Kind`.
"""

from collections.abc import Iterable
from itertools import islice

from codebook.records import Unit
from codebook.scheme import Codebook
from codebook.tasks.classify import Classify, ClassifyMulti
from codebook.tasks.embed import Embed
from codebook.tasks.extract import Extract
from codebook.tasks.probes import behaviour_probes, probe_units, reverse_categories
from codebook.tasks.question import Label, Question
from codebook.tasks.rate import Rate
from codebook.tasks.transcribe import Transcribe

TASKS: dict[str, type[Question]] = {
    "single": Classify,
    "multi": ClassifyMulti,
    "rating": Rate,
    "records": Extract,
    "transcription": Transcribe,
    "embedding": Embed,
}


def show_question(codebook: Codebook, units: Iterable[Unit], number: int = 1) -> str:
    """Return the questions about one unit (the first, or the `number`-th) as text: what the model reads, in order."""
    unit = next(islice(units, number - 1, None))
    shown = []
    for name, question in make_questions(codebook).items():
        prompt = question.write_prompt(unit)
        turns = [f"--- example\n{turn.question}\n--- answer\n{turn.answer}" for turn in prompt.turns]
        shown.append("\n".join([f"=== {name}", prompt.system, *turns, "--- unit", prompt.user]))
    return "\n\n".join(shown)


def find_task(codebook: Codebook) -> type[Question]:
    """Return the task that says where the questions of a codebook go, and what becomes of the answers."""
    return TASKS[codebook.variables[0].kind]


def make_questions(codebook: Codebook) -> dict[str, Question]:
    """Return the question of every variable, by name, in codebook order."""
    return {variable.name: TASKS[variable.kind](codebook, variable) for variable in codebook.variables}


__all__ = [
    "TASKS",
    "Classify",
    "ClassifyMulti",
    "Embed",
    "Extract",
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
