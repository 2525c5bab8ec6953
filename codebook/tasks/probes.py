"""Probes of a codebook: texts whose label is known before any person has coded, and the categories in another order.

Source: Halterman and Keith (2025), who let a model show before any gold that it follows a codebook: it gives legal
labels, finds the category whose definition it is shown, finds those of the codebook's own examples, and does not mind
the order of the categories.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from codebook.errors import Fault, ParameterError
from codebook.records import Unit
from codebook.scheme import Codebook, Variable

if TYPE_CHECKING:
    import pandas as pd

_KINDS = ("single", "rating")


def behaviour_probes(codebook: Codebook, variable: str = "") -> pd.DataFrame:
    """Return the probes of a variable: `unit_id`, `variable`, `text`, `test`, `expected`.

    `test` is "definition" for the definition of a category shown as a unit, "example" for an example of the codebook.
    There is no row where no category has either.

    Parameters
    ----------
    variable
        Of kind single or rating; the first such one where not named. Where there is none, there are no probes.

    Raises
    ------
    ParameterError
        The variable is of another kind.

    Examples
    --------
    >>> from codebook.scheme import parse_codebook
    >>> book = parse_codebook('''
    ... name: tone
    ... unit: a headline
    ... variables:
    ...   - name: tone
    ...     question: Which tone?
    ...     kind: single
    ...     level: nominal
    ...     categories: [{name: good, definition: It praises.}, {name: bad, examples: [A disaster.]}]
    ... ''')
    >>> behaviour_probes(book)[["text", "test", "expected"]].to_numpy().tolist()
    [['It praises.', 'definition', 'good'], ['A disaster.', 'example', 'bad']]
    """
    from codebook.outputs.readable import ReadableFrame

    chosen = [codebook.variable(variable)] if variable else [each for each in codebook.variables if each.kind in _KINDS]
    if chosen and chosen[0].kind not in _KINDS:
        fault = Fault(variable, f"it is of kind {chosen[0].kind}", f"choose one of kind {' or '.join(_KINDS)}")
        raise ParameterError("The codebook cannot be probed like this.", [fault])
    rows = [(unit_id, each.name, *rest) for each in chosen[:1] for unit_id, *rest in _iter_probes(each)]
    return ReadableFrame(rows, columns=["unit_id", "variable", "text", "test", "expected"])


def _iter_probes(variable: Variable) -> Iterator[tuple[str, str, str, str]]:
    for place, category in enumerate(variable.categories, start=1):
        if category.definition:
            yield f"definition-{place}", category.definition, "definition", category.name
        for number, example in enumerate(category.examples, start=1):
            if example.text:
                yield f"example-{place}-{number}", example.text, "example", category.name


def probe_units(probes: pd.DataFrame) -> list[Unit]:
    """Return the probes as units to be planned like any others.

    Examples
    --------
    >>> import codebook as cb
    >>> from codebook.tasks import behaviour_probes
    >>> probes = behaviour_probes(cb.read_codebook("codebook.yaml"))
    >>> [unit.unit_id for unit in probe_units(probes)][:2]
    ['definition-1', 'definition-2']
    """
    return [Unit(str(name), str(text)) for name, text in zip(probes["unit_id"], probes["text"], strict=True)]


def reverse_categories(codebook: Codebook) -> Codebook:
    """Return the codebook with the categories of nominal variables in reverse order; scales stay as they are.

    Examples
    --------
    >>> import codebook as cb
    >>> book = cb.read_codebook("codebook.yaml")
    >>> book.variables[0].labels, reverse_categories(book).variables[0].labels
    (('economy', 'health', 'sports'), ('sports', 'health', 'economy'))
    """
    variables = [
        variable.model_copy(update={"categories": variable.categories[::-1]})
        if variable.kind != "rating" and variable.level == "nominal"
        else variable
        for variable in codebook.variables
    ]
    return codebook.model_copy(update={"variables": tuple(variables)})
