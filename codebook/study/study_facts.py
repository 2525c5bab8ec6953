"""What a study says once, under the names that notebooks, commands and Python share."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, get_type_hints

from codebook.errors import Fault, ParameterError, mend_name
from codebook.files.yaml_text import AS_WRITTEN, parse_pairs, parse_value

NONE = "none"
"""What is given for a run, a file of coders or a sample where the study's own is not wanted."""
Pairs = Mapping[str, Any] | Sequence[str]


@dataclass(frozen=True, slots=True)
class StudyFacts:
    """What is coded, by which instrument, who answers and who else coded it. What is empty was not said.

    Pairs are a mapping, or texts of the form "name: value".

    Attributes
    ----------
    study, title
        Name of the study, and what stands above its report.
    run
        Name of the run; that of the study where none is said. "none": people alone.
    codebook
        File of the instrument, or a list of labels.
    units
        What is coded: csv, xlsx, jsonl, parquet, or a folder of images or PDFs.
    id_column, text_column, context_columns
        Of a table of units: its unique ids ("wave + id" joins two columns), what is coded, and what is shown with it.
    where
        Rows to keep, as pairs of column and value.
    form
        How units are read, as pairs, such as encoding, group_column, image_column or pages.
    coders
        File with the labels of people and other tools.
    gold
        The coder whose labels count as right.
    sample
        File of the gold sample; the run's own where none is said.
    models
        Coders of that file who are models.
    engine, model
        Who answers: embedded, openai_batch, openai_live, cluster, cluster_live, replay; and which of its models.
    provider, base_url, url
        Which service is called, where it is, and its endpoint.
    archive
        For the engine replay: the recorded run.
    options
        Further options of the engine, as pairs.
    settings
        Fields of the request, such as temperature or max_completion_tokens.
    draws : int
        How often each question is asked.
    cap : float
        US dollars that the run may cost in all.
    private : bool
        Send neither ids of units nor the name of the run.
    service
        How a service is called and waited for: timeout_s, attempts, poll_s, max_wait_hours, requests_per_shard,
        priority, auto_collect.
    notify
        Of what a person is told; the address stands in CODEBOOK_NOTIFY.
    coding
        How people code: coders, folder, sample, double, overlap, per_coder, repeat, with_suggestions, strata, seed.
    personal_data
        Why what looks personal may be published: pairs of e-mail address, phone number or IP address, and the reason.
    grid
        One finding under many choices: models, codebooks, draws, aggregation, finding (variable, label, formula).
    """

    study: str = ""
    run: str = ""
    title: str = ""
    codebook: str = ""
    units: str = ""
    id_column: str = ""
    text_column: str = ""
    context_columns: Sequence[str] = ()
    where: Pairs = ()
    form: Pairs = ()
    coders: str = ""
    gold: str = ""
    sample: str = ""
    models: Sequence[str] = ()
    engine: str = ""
    model: str = ""
    url: str = ""
    provider: str = ""
    base_url: str = ""
    archive: str = ""
    options: Pairs = ()
    settings: Pairs = ()
    draws: int = 0
    cap: float = 0.0
    private: bool = False
    service: Mapping[str, Any] = field(default_factory=dict)
    notify: Sequence[str] = ()
    coding: Mapping[str, Any] = field(default_factory=dict)
    personal_data: Pairs = ()
    grid: Mapping[str, Any] = field(default_factory=dict)

    @property
    def run_name(self) -> str:
        """Name of the run: as it was said, or that of the study with the signs that a folder may have."""
        name = "" if self.run == NONE else self.run
        return name or re.sub(r"[^A-Za-z0-9._-]+", "-", self.study).strip("-._")[:100]

    def said(self) -> dict[str, Any]:
        """The facts that are not empty."""
        return {each.name: value for each in fields(self) if not is_empty(value := getattr(self, each.name))}

    def without_answerer(self) -> StudyFacts:
        """The facts without what they say of who answers: another engine has nothing of it."""
        return replace(self, model="", provider="", base_url="", url="", archive="", options=(), settings=())

    def changed(self, overrides: Mapping[str, Any]) -> StudyFacts:
        """The facts with what is given instead; an empty value means "as in the study".

        Raises
        ------
        ParameterError
            A name is no fact of a study.

        Examples
        --------
        >>> StudyFacts(units="a.csv", gold="gold").changed({"units": "b.csv", "gold": ""}).said()
        {'units': 'b.csv', 'gold': 'gold'}
        """
        known = [each.name for each in fields(self)]
        mend = f"leave it out; a study has {', '.join(known)}"
        faults = [
            Fault(name, "a study has no such entry", mend_name(name, known, mend))
            for name in overrides
            if name not in known
        ]
        ParameterError.raise_any("The study cannot be opened like this.", faults)
        return replace(self, **{name: value for name, value in overrides.items() if not is_empty(value)})


def is_empty(value: object) -> bool:
    """Whether a value says nothing, so that the study's own holds.

    Examples
    --------
    >>> [is_empty(value) for value in ("", [], None, 0, False, "0")]
    [True, True, True, True, True, False]
    """
    return value is None or value == 0 or (isinstance(value, str | Sequence | Mapping) and len(value) == 0)


def fact_shapes() -> dict[str, str]:
    """How each fact is written in a cell of parameters: str, int, float, bool or list[str]; pairs are a list there."""
    hints = get_type_hints(StudyFacts)
    return {name: hint.__name__ if hint in (str, int, float, bool) else "list[str]" for name, hint in hints.items()}


def as_texts(value: Any) -> Any:
    """Pairs of a mapping as texts, as a cell of parameters takes them; all else as it is.

    Examples
    --------
    >>> as_texts({"split": ["dev", "test"], "pages": 3}), as_texts("a")
    (['split: [dev, test]', 'pages: 3'], 'a')
    """
    if not isinstance(value, Mapping):
        return value
    pairs = {name: f"[{', '.join(map(str, each))}]" if isinstance(each, list) else each for name, each in value.items()}
    return [f"{name}: {each}" for name, each in pairs.items()]


def typed_pairs(pairs: Pairs, name: str) -> dict[str, Any]:
    """Pairs with their values as YAML reads them."""
    summary = f"The {name} cannot be read."
    if not isinstance(pairs, Mapping):
        return parse_pairs(pairs, name, error=ParameterError, summary=summary)
    return {
        key: value if key in AS_WRITTEN else _type(value, f"{name}, {key}", summary) for key, value in pairs.items()
    }


def _type(value: Any, where: str, summary: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _type(each, where, summary) for key, each in value.items()}
    if isinstance(value, list):
        return [_type(each, where, summary) for each in value]
    return parse_value(value, where, error=ParameterError, summary=summary) if isinstance(value, str) else value
