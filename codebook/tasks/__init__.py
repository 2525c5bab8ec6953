"""DRAWER: what is asked. One file a task; a codebook's variable finds its task by its kind.

A task turns a variable into a `Question` once, and then for every unit writes a prompt and reads a reply.
To add a task: a file with a subclass of `Question`, a line in `TASKS`, the kind in `codebook.scheme.model.Kind`.
"""

from codebook.scheme import Codebook
from codebook.tasks.base import Label, Question
from codebook.tasks.classify import Classify, ClassifyMulti
from codebook.tasks.rate import Rate

TASKS: dict[str, type[Question]] = {"single": Classify, "multi": ClassifyMulti, "rating": Rate}


def make_questions(codebook: Codebook) -> dict[str, Question]:
    """Return the question of every variable, by name, in codebook order."""
    return {variable.name: TASKS[variable.kind](codebook, variable) for variable in codebook.variables}


__all__ = ["TASKS", "Classify", "ClassifyMulti", "Label", "Question", "Rate", "make_questions"]
