"""The block `grid:` of a study: under which models, codebooks, draws and ways of joining one finding is looked at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codebook.analysis.robustness.specification_curve import AGGREGATIONS
from codebook.errors import Fault, ParameterError, mend_name

KEYS = ("models", "codebooks", "draws", "aggregation", "finding")
MODEL_KEYS = ("name", "engine", "model", "provider", "base_url", "url", "archive", "options", "settings")
FINDING_KEYS = ("variable", "label", "formula")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_MOST = 24


@dataclass(frozen=True, slots=True)
class GridModel:
    """Who answers in a column of the grid: its name there, and what differs from the study."""

    name: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class GridSettings:
    """What varies, and which finding is looked at.

    Attributes
    ----------
    models
        Who answers; that of the study where none is named.
    codebooks
        Files of instruments with the same variable and labels; that of the study where none is named.
    draws
        How often each question is asked of each model.
    aggregation
        Ways to get one label for each unit, of `specifications`.
    variable, label, formula
        Of the finding: which variable (the first), which of its labels (the first), and a regression as `correct` takes
        it: "n_words ~ label" asks how many words more units with the label have.
    """

    models: tuple[GridModel, ...] = ()
    codebooks: tuple[str, ...] = ()
    draws: int = 1
    aggregation: tuple[str, ...] = AGGREGATIONS
    variable: str = ""
    label: str = ""
    formula: str = "n_words ~ label"


def read_grid(block: Mapping[str, Any], where: str = "grid") -> GridSettings:
    """Return the grid that a mapping describes, such as the block of a study.

    Examples
    --------
    >>> grid = read_grid({"models": ["a", {"name": "b", "engine": "embedded"}], "codebooks": "one.yaml, two.yaml"})
    >>> [model.name for model in grid.models], grid.codebooks, grid.draws
    (['a', 'b'], ('one.yaml', 'two.yaml'), 1)
    >>> read_grid({"modles": ["a"], "aggregation": ["mean"]})
    Traceback (most recent call last):
    codebook.errors.ParameterError: The grid cannot be read.
      - grid, modles: a grid has no such part. To mend: did you mean 'models'?
      - grid, aggregation: 'mean' is not a way to join labels. To mend: use some of single, draws, prompts, models, all.
    More on such a message: codebook explain ParameterError
    """
    finding = block.get("finding") or {}
    faults = list(_find_faults(block, finding, where))
    models = tuple(_read_model(each) for each in _list(block.get("models"))) if not faults else ()
    faults += _find_twins([model.name for model in models], f"{where}, models")
    ParameterError.raise_any("The grid cannot be read.", faults)
    return GridSettings(
        models,
        tuple(map(str, _list(block.get("codebooks")))),
        int(block.get("draws") or 1),
        tuple(_list(block.get("aggregation"))) or AGGREGATIONS,
        **{name: str(value) for name, value in finding.items()},
    )


def _list(value: Any) -> list[Any]:
    """A list as it was written; a text is split at commas."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [] if value is None else list(value) if isinstance(value, Sequence) else [value]


def _find_faults(block: Mapping[str, Any], finding: Any, where: str) -> Iterator[Fault]:
    for name in block:
        if name not in KEYS:
            yield Fault(f"{where}, {name}", "a grid has no such part", mend_name(str(name), KEYS))
    if not str(block.get("draws") or 1).isdecimal() or int(block.get("draws") or 1) > _MOST:
        yield Fault(f"{where}, draws", f"{block['draws']!r} is no number of draws", f"give a number from 1 to {_MOST}")
    for name in _list(block.get("aggregation")):
        if name not in AGGREGATIONS:
            yield Fault(
                f"{where}, aggregation",
                f"{name!r} is not a way to join labels",
                f"use some of {', '.join(AGGREGATIONS)}",
            )
    for place, model in enumerate(_list(block.get("models")), 1):
        yield from _find_model_faults(model, f"{where}, models, {place}")
    if not isinstance(finding, Mapping):
        yield Fault(f"{where}, finding", "it is not a mapping", "write label: and formula: below it")
        return
    for name in finding:
        if name not in FINDING_KEYS:
            mend = mend_name(str(name), FINDING_KEYS, f"use {', '.join(FINDING_KEYS)}")
            yield Fault(f"{where}, finding, {name}", "a finding has no such part", mend)


def _find_model_faults(model: Any, where: str) -> Iterator[Fault]:
    if not isinstance(model, Mapping):
        return
    for name in model:
        if name not in MODEL_KEYS:
            mend = mend_name(str(name), MODEL_KEYS, f"use {', '.join(MODEL_KEYS)}")
            yield Fault(f"{where}, {name}", "a model of the grid has no such field", mend)
    if not (model.get("name") or model.get("model")):
        yield Fault(where, "it has no name", "add name:, by which tables call it")
    elif model.get("name") and not _NAME.fullmatch(str(model["name"])):
        yield Fault(f"{where}, name", f"{model['name']!r} cannot name a run", "use letters, digits, - and _")


def _read_model(written: Any) -> GridModel:
    facts = dict(written) if isinstance(written, Mapping) else {"model": str(written)}
    name = str(facts.pop("name", "") or facts["model"])
    return GridModel(re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-"), facts)


def _find_twins(names: Sequence[str], where: str) -> Iterator[Fault]:
    for name in sorted({each for each in names if names.count(each) > 1}):
        yield Fault(where, f"{name!r} occurs twice", "give each a name: of its own")


def name_instrument(path: str) -> str:
    """What a codebook of the grid is called in tables and runs.

    Examples
    --------
    >>> name_instrument("data/topics/codebook_brief.yaml")
    'codebook_brief'
    """
    return re.sub(r"[^A-Za-z0-9_-]+", "-", Path(path).name.removesuffix(".yaml")).strip("-")
