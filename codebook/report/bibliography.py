"""The sources of what a study used, as BibTeX: models, software, the statistics that it saved, the guideline."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from codebook.engines import About, about_engine
from codebook.outputs import OutputEntry
from codebook.outputs.latex_tables import latex_text
from codebook.report.facts import Facts

_OF_STATISTICS = {
    "krippendorff2004": r"\balpha\b|α",
    "hayes2007": r"Krippendorff",
    "gwet2008": r"\bAC1\b",
    "cohen1960": r"\bkappa\b|κ",
    "fleiss1971": r"\bFleiss\b",
    "efron1993": r"[Bb]ootstrap",
    "wilson1927": r"\bWilson\b",
    "mcnemar1947": r"\bMcNemar\b",
    "matthews1975": r"\bMCC\b",
    "benjamini1995": r"Benjamini|\bBH\b|p_bh",
    "dawid1979": r"Dawid",
    "egami2023": r"\bDSL\b|[Cc]orrected",
    "angelopoulos2023": r"\bPPI\b",
    "calderon2025": r"alt[-_]test|may stand in",
    "barrie2024": r"paraphrase|stability",
}
"""Source of a statistic, and by which words in a saved output it is known."""
_OF_PACKAGES = ("numpy", "pandas", "krippendorff")
_OF_MODELS = {"use": "cer2018", "minilm": "wang2020", "efficientnet": "tan2019"}
"""Source of a model that comes with the kit, by a part of its name."""


def cite_statistics(entries: Iterable[OutputEntry]) -> tuple[str, ...]:
    """The sources of the statistics in some saved outputs.

    Examples
    --------
    >>> entry = OutputEntry("r", "table", "reliability", "Reliability", finding="Krippendorff's alpha is .8.")
    >>> cite_statistics([entry])
    ('krippendorff2004', 'hayes2007')
    """
    words = "\n".join(f"{e.name} {e.title} {e.note} {e.finding} {e.printed.get('columns', '')}" for e in entries)
    return tuple(key for key, pattern in _OF_STATISTICS.items() if re.search(pattern, words))


def cite_models(facts: Facts) -> tuple[str, ...]:
    """The keys of the models of a run."""
    return tuple(key for name in _list_models(facts) for key in (name_key(name), *_sources_of(name)))


def cite_software(facts: Facts) -> tuple[str, ...]:
    """The keys of the software that computed a study."""
    has_figures = any(name.endswith(".pdf") for entry in facts.outputs for name in entry.files)
    packages = [name for name in _OF_PACKAGES if name in facts.record["software"]["packages"]]
    return ("codebook_kit", *packages, "scipy", *["matplotlib"] * has_figures)


def write_bibliography(facts: Facts, cited: Iterable[str]) -> str:
    """Return the BibTeX of the keys that are cited, sorted; those of models and data are made of the record."""
    known = _read_known() | dict(_of_study(facts))
    return "\n\n".join(known[key] for key in sorted(set(cited))) + "\n"


def name_key(name: str) -> str:
    """A key of BibTeX for a name.

    Examples
    --------
    >>> name_key("gpt-6-luna 2026/11")
    'gpt_6_luna_2026_11'
    """
    return re.sub(r"\W+", "_", name).strip("_") or "model"


def _list_models(facts: Facts) -> list[str]:
    """The models that answered, as far as they named themselves; an embedded one may be two in one."""
    return list(facts.answered.get("models") or [facts.asking.model])


def _sources_of(name: str) -> Iterator[str]:
    parts = name.split("-")
    yield from (key for part, key in _OF_MODELS.items() if part in parts)


@cache
def _read_known() -> dict[str, str]:
    text = Path(__file__).with_name("references.bib").read_text(encoding="utf-8")
    entries = [line for line in text.splitlines() if line.startswith("@")]
    return {entry[entry.index("{") + 1 : entry.index(",")]: entry.replace("}, ", "},\n  ") for entry in entries}


def _of_study(facts: Facts) -> Iterator[tuple[str, str]]:
    """The entries of what only this study used."""
    about, software = about_engine(facts.asking.engine) or About(), facts.record["software"]
    first = str(facts.answered.get("first_submitted") or facts.record["planned_at"])
    for name in _list_models(facts):
        provider = facts.asking.options.get("provider") or ("" if not about.charges else facts.asking.engine)
        fields = {
            "author": f"{{{latex_text(provider)}}}" if provider else "{[Name the maker of the model]}",
            "title": f"{{{latex_text(name)}}} [language model]" if about.charges else f"{{{latex_text(name)}}} [model]",
            "year": first[:4],
            "note": f"Asked on {first[:10]}",
        }
        yield name_key(name), _entry("misc", name_key(name), fields)
    kit = {
        "author": "{The codebook-kit authors}",
        "title": f"codebook-kit {software['packages'].get('codebook-kit', '')}: Code Texts, Images and Documents",
        "year": first[:4],
        "note": f"Python {software['python']}",
    }
    yield "codebook_kit", _entry("misc", "codebook_kit", kit)
    source = latex_text(facts.record["units"]["source"].get("file") or "the units")
    data = {"author": "{[Name the authors of the data]}", "title": f"{{[Say how the data are cited: {source}]}}"}
    yield "data_of_the_study", _entry("misc", "data_of_the_study", {**data, "year": first[:4]})


def _entry(kind: str, key: str, fields: dict[str, str]) -> str:
    inner = ",\n  ".join(f"{name} = {{{value}}}" for name, value in fields.items())
    return f"@{kind}{{{key},\n  {inner}}}"
