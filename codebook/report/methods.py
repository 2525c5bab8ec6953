"""The methods paragraph of a study, filled from its run record, with visible blanks where a person must write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from codebook.analysis.core.scales import UNCOUNTED
from codebook.codings import coverage_sentence
from codebook.ground.quantities import say_count
from codebook.outputs import SECTIONS, OutputEntry
from codebook.outputs.readable import ReadableText
from codebook.report.disclosures import (
    say_funding,
    say_memory,
    say_privacy,
    say_processing,
    say_prompts,
    say_system,
    say_tuning,
)
from codebook.report.facts import Facts, cite, gather_facts, short_path
from codebook.sampling import GOLD_SAMPLE, read_gold_sample

_SHOWN = 12  # digits of a SHA-256 in running text
_MADE_UP = ("gold_sizes", "gold_curve", "false_findings")


def methods_paragraph(run: str, *, coders: str | Path = "", gold: str = "gold") -> str:
    """Return the methods paragraph of a run: what was asked of whom, when, how often, and what came back.

    What only a person can know is left as a blank in brackets, ``[...]``, that says what to write there.

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
    TableError
        The coders cannot be read.

    Examples
    --------
    >>> import codebook as cb
    >>> print(cb.methods_paragraph("topics")[:30])
    [Say what the units are, of wh
    """
    return ReadableText(write_methods(gather_facts(run, coders=coders, gold=gold)))


def write_methods(facts: Facts) -> str:
    """The same, from what was read."""
    return " ".join(part for make in _PARTS for part in make(facts) if part)


def say_units(facts: Facts) -> Iterator[str]:
    """What was coded."""
    units, source = facts.record["units"], facts.record["units"]["source"]
    origin = f" from {source['file']}" if source.get("file") else ""
    yield "[Say what the units are, of which population, and how they were chosen.]"
    pilot = f", a pilot of the first {source['limit']:,} units" if source.get("limit") else ""
    were = "was" if units["n"] == 1 else "were"
    yield f"{say_count(units['n'], 'unit')}{origin} (SHA-256 {units['sha256'][:_SHOWN]}){pilot} {were} coded."


def say_instrument(facts: Facts) -> Iterator[str]:
    """By which codebook."""
    book, record = facts.book, facts.record["codebook"]
    variables = ", ".join(_describe(variable) for variable in book.variables)
    version = f"version {record['version']} of the codebook {record['name']} (SHA-256 {record['sha256'][:_SHOWN]})"
    yield f"The instrument was {version}, with the variable{'s' * (len(book.variables) != 1)} {variables}."
    yield "[Say who wrote the codebook, and on which units it was tried and changed.]"


def _describe(variable: Any) -> str:
    about = [
        variable.kind,
        *([] if variable.kind in UNCOUNTED else [str(variable.level)]),
        *([say_count(len(variable.labels), "label")] if variable.labels else []),
    ]
    return f"{variable.name} ({', '.join(dict.fromkeys(about))})"


def say_models(facts: Facts) -> Iterator[str]:
    """Who was asked, when and how often."""
    asking, answered = facts.asking, facts.answered
    named = answered.get("models") or []
    models = ", ".join(named) or "[No model named itself in the replies: say which it was.]"
    engine = f"through the engine {asking.engine} ({asking.url})"
    who_answered = "model that answered was" if len(named) == 1 else "models that answered were"
    who_was_asked = f"The model asked was {asking.model}, {engine}; {models} answered."
    yield f"The {who_answered} {models}, {engine}." if facts.about.chooses and named else who_was_asked
    if answered.get("fingerprints"):
        yield f"The systems that answered named themselves {', '.join(answered['fingerprints'])}."
    first, last = (str(answered.get(key) or "")[:10] for key in ("first_submitted", "last_ended"))
    when = f"on {first}" if first == last else f"between {first} and {last}"
    yield f"The requests were answered {when} (UTC)." if first and last else "[Say when the requests were answered.]"
    times = "once" if asking.draws == 1 else f"{asking.draws} times"
    settings = ", ".join(f"{name} = {value}" for name, value in asking.settings.items())
    yield f"Each question was put {times}, {'with ' + settings if settings else 'with the settings of the engine'}."
    yield "[Say why this model, and what it may have seen of these units before.]"


def say_coverage(facts: Facts) -> Iterator[str]:
    """What came back."""
    yield f"Of the codings, {coverage_sentence(facts.table)}."
    if facts.whys:
        yield "[Say what was done about the codings without a label.]"


def say_people(facts: Facts) -> Iterator[str]:
    """Which labels of people there are beside."""
    humans = facts.coders.people
    if facts.n_gold:
        yield f"{facts.n_gold:,} of the units have a gold label ({facts.gold}, {short_path(facts.coders_path)})."
        yield from _sample(facts)
        yield "[Say who made the gold labels, how they were trained and paid, and whether they saw the model's labels.]"
    else:
        yield "[There are no gold labels beside this run: say how the labels were checked.]"
    if humans:
        yield f"{len(humans)} people gave {say_count(len(facts.labels_of_people), 'label')} by the same codebook."
    else:
        yield "[Say whether a second person coded some of the units; none is recorded.]"


def _sample(facts: Facts) -> Iterator[str]:
    if not facts.sample_path.is_file():
        yield "[Say how the units with gold labels were drawn.]"
        return
    sample = read_gold_sample(facts.sample_path, part="all", unlock=True)
    n, n_dev, prob = len(sample.frame), int((sample.frame["part"] == "dev").sum()), sample.frame["prob"]
    parts = f"{n_dev:,} to develop, {n - n_dev:,} to test"
    chances = f"chances of {prob.min():.3g} to {prob.max():.3g}"
    used, unused = facts.weighed(by_chance=True), facts.weighed(by_chance=False)
    known = f" with known {chances}" if used else ""
    where = f"({GOLD_SAMPLE}, SHA-256 {cite(facts.sample_path).split('(')[-1][:-1]})"
    drawn = f"{say_count(n, 'unit')} {'was' if n == 1 else 'were'} drawn"
    yield f"{drawn} for gold labels ({parts}){known}, seed {sample.seed} {where}."
    if used:
        yield f"Gold units weigh 1 / their chance in {', '.join(used)}."
    if unused or not used:
        yield f"[Say why gold units all weigh the same in {', '.join(unused) or 'what is said of them'}.]"


def say_findings(facts: Facts) -> Iterator[str]:
    """What the saved results say first."""
    yield from first_findings([entry for entry in facts.outputs if entry.section != "methods"])


def first_findings(entries: Iterable[OutputEntry]) -> list[str]:
    """The first finding of each section but the coverage, which has a sentence of its own; the rest stands below.

    In the order of the sections of the page. What is planned or simulated is no finding of the study.
    """
    first: dict[str, str] = {}
    for entry in entries:
        if entry.finding and entry.section != "coverage" and entry.name not in _MADE_UP:
            first.setdefault(entry.section, entry.finding)
    return [first[name] for name in dict.fromkeys([*SECTIONS, *first]) if name in first]


def say_software(facts: Facts) -> Iterator[str]:
    """What computed it, and where it lies."""
    software = facts.record["software"]
    packages = ", ".join(f"{name} {version}" for name, version in software["packages"].items())
    yield f"Software: Python {software['python']}, {packages}."
    commit = f", git commit {software['git_commit']}" if software.get("git_commit") else ""
    where = f"{facts.record['run']}: {facts.evidence('run.json')}{commit}"
    shared = "".join(f"; answers that it shares are in the run {folder.name}" for folder in facts.sources[1:])
    yield f"Requests, raw replies and tables are in the run {where}{shared}."
    yield "[Say where these files can be had, and which ethics review and licences apply.]"


_PARTS = (
    *(say_units, say_instrument, say_models, say_tuning, say_memory, say_prompts, say_system),
    *(say_coverage, say_processing, say_privacy, say_people, say_findings, say_software, say_funding),
)
