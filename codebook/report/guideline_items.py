"""The reporting guideline for language models in behavioural and social science, item by item: filled, or a blank.

GUIDE-LLM, by consensus of some 80 experts in two rounds (Delphi): 14 items that everybody reports, and 8 more. Its
items are named here in words of our own; https://llm-checklist.com has them in full.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from codebook.ground.quantities import say_count
from codebook.outputs.document_parts import split_blanks
from codebook.report import disclosures
from codebook.report.facts import Facts, gather_facts
from codebook.report.methods import say_coverage, say_instrument, say_models, say_people, say_software, say_units

if TYPE_CHECKING:
    import pandas as pd

GUIDELINE = "GUIDE-LLM (https://llm-checklist.com, 2026)"
NOTE = (
    f"After {GUIDELINE}: 14 core items and 8 optional ones. filled: on record; in part: a person completes it; "
    "blank: only a person knows."
)


class GuidelineItem(NamedTuple):
    """An item of the guideline, what it asks, and what the record answers; `state` is filled, in part or blank."""

    item: str
    asks: str
    state: str
    answer: str


def reporting_guideline(run: str, *, coders: str | Path = "", gold: str = "gold") -> pd.DataFrame:
    """Return the items of GUIDE-LLM, each filled from the record of a run or visibly blank.

    Parameters
    ----------
    coders
        The coders.yaml with the labels of people; empty for none.
    gold
        Which of its coders is the gold.

    Raises
    ------
    RunError
        The run has no table yet.

    Examples
    --------
    >>> import codebook as cb
    >>> items = cb.report.reporting_guideline("topics", coders="coders.yaml")
    >>> items.loc[[0, 6, 13], ["item", "state"]].to_numpy().tolist()
    [['A.1', 'in part'], ['B.5', 'filled'], ['G.1', 'blank']]
    """
    return fill_guideline(gather_facts(run, coders=coders, gold=gold))


def fill_guideline(facts: Facts) -> pd.DataFrame:
    """The items, from facts that were read already."""
    from codebook.outputs.readable import ReadableFrame

    return ReadableFrame([_fill(*item, facts) for item in _ITEMS], columns=list(GuidelineItem._fields))


def say_guideline(frame: pd.DataFrame) -> str:
    """Say how much of the guideline is filled.

    Examples
    --------
    >>> import pandas as pd
    >>> say_guideline(pd.DataFrame({"item": ["A.1", "G.1"], "state": ["filled", "blank"]}))
    'Of 2 items the record fills 1, 0 in part; 1 wait for a person: G.1.'
    """
    n = {state: int((frame["state"] == state).sum()) for state in ("filled", "in part")}
    blank = frame.loc[frame["state"] == "blank", "item"]
    waiting = f"; {len(blank)} wait for a person: {', '.join(blank)}" if len(blank) else ""
    return f"Of {len(frame)} items the record fills {n['filled']}, {n['in part']} in part{waiting}."


def _fill(item: str, asks: str, makers: tuple[Callable[[Facts], Iterator[str]], ...], facts: Facts) -> GuidelineItem:
    sentences = [sentence for make in makers for sentence in make(facts) if sentence]
    blanks = [all(is_blank for _, is_blank in split_blanks(sentence)) for sentence in sentences]
    state = "blank" if all(blanks) else "in part" if any(blanks) else "filled"
    return GuidelineItem(item, asks, state, " ".join(sentences))


def _blank(words: str) -> Callable[[Facts], Iterator[str]]:
    return lambda facts: iter([f"[Say {words}.]"])


def _version(facts: Facts) -> Iterator[str]:
    yield from (sentence for sentence in say_models(facts) if not sentence.startswith(("Each question", "[Say why")))
    yield "[Say how large the model is, and give the page of its provider that describes it.]"


def _parameters(facts: Facts) -> Iterator[str]:
    yield from (sentence for sentence in say_models(facts) if sentence.startswith("Each question"))
    if facts.asking.settings:
        return
    if disclosures.is_called(facts):
        yield "[Say which defaults the service had then for temperature, length and seed.]"


def _comparison(facts: Facts) -> Iterator[str]:
    others = [name for name in facts.coders.machines if name != facts.gold]
    if others:
        yield f"Beside it stand labels of {', '.join(others)}."
    else:
        yield "[Say whether another model or method coded the same units, and how they compare.]"


def _bias(facts: Facts) -> Iterator[str]:
    findings = [entry.finding for entry in facts.saved("correction") if entry.finding]
    yield from findings[:1]
    yield "[Say for which groups of units the model may err more, and what that does to the conclusions.]"


def _transcripts(facts: Facts) -> Iterator[str]:
    if results := facts.list_files("results"):
        yield f"Every raw reply is on record, in {say_count(len(results), 'file')} of results."
    else:
        yield "[Say where the raw replies can be read: they do not lie with this run.]"


def _resources(facts: Facts) -> Iterator[str]:
    answered = facts.answered
    if "tokens_in" in answered:
        yield f"{answered['tokens_in']:,} tokens were read and {answered['tokens_out']:,} written."
    if answered.get("cost_usd"):
        yield f"The answers cost ${answered['cost_usd']:,.2f}."
    if not disclosures.is_called(facts):
        yield "They were computed on this machine, and cost nothing."


_ITEMS: tuple[tuple[str, str, tuple[Callable[[Facts], Iterator[str]], ...]], ...] = (
    ("A.1", "what language models were used for", (disclosures.say_purpose, say_units)),
    ("A.2", "a person in the loop, or not", (disclosures.say_autonomy,)),
    ("B.1", "model, provider, size, version, day, source", (_version,)),
    ("B.2", "how it was reached; chat or separate calls", (disclosures.say_access,)),
    ("B.3", "parameters and number of runs", (_parameters,)),
    ("B.4", "fine-tuning or other changes", (disclosures.say_tuning,)),
    ("B.5", "whether state was kept between calls", (disclosures.say_memory,)),
    ("C.1", "the exact prompts", (disclosures.say_prompts, say_instrument)),
    ("C.2", "instructions for the whole system", (disclosures.say_system,)),
    ("D.1", "personal and sensitive data", (disclosures.say_privacy,)),
    ("E.1", "validation by people", (say_people,)),
    ("E.2", "filtering and other work on replies", (disclosures.say_processing, say_coverage)),
    ("F.1", "code, notebooks, scripts", (disclosures.say_code, say_software)),
    ("G.1", "funding and ties", (disclosures.say_funding,)),
    ("optional 1", "why this model", (_blank("why this model: its performance, openness, cost, ethics"),)),
    ("optional 2", "why this prompt", (_blank("how the codebook's wording came about, and what was tried before"),)),
    ("optional 3", "other methods or models", (_comparison,)),
    ("optional 4", "leakage of training data", (_blank("what the model may have seen of these units before"),)),
    ("optional 5", "bias that touches the conclusions", (_bias,)),
    ("optional 6", "transcripts", (_transcripts,)),
    ("optional 7", "ethics of the study", (_blank("which ethics review was passed, and what it asked for"),)),
    ("optional 8", "computing", (_resources,)),
)
