"""The paper that a study begins as: LaTeX that compiles as it is, and the same in Word, of what was saved and recorded.

Nothing is computed here. What only a person knows is a marked blank, in the text as in the bibliography, which has the
sources of what was used. The codebook is written here too, as parts of a document.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

from codebook.engines import About, about_engine
from codebook.errors import MissingExtraError
from codebook.files.digests import read_json
from codebook.files.lines import digest_file, write_json, write_whole
from codebook.outputs import OutputEntry
from codebook.outputs.document_parts import Heading, Paragraph, Part, Picture, TableBlock, place_citation
from codebook.outputs.latex_tables import latex_text, write_latex
from codebook.outputs.word_tables import write_word
from codebook.paths import make_private, resolve_path
from codebook.report import disclosures, methods
from codebook.report.facts import Facts, gather_facts
from codebook.report.referee_checks import say_limitations
from codebook.report.sections import is_result
from codebook.scheme import Category, Codebook, Variable

NOTE = "written.json"
"""Which files of a paper were written, with their SHA-256: one that a person changed since is kept."""
_FIGURES = ("confusion", "alpha_by_label")
"""Figures that a paper shows where they were saved; the others lie in `outputs`."""
_ONLY_DRAWN = ("confusion", "coefficients")
"""Outputs whose table is no table of a paper."""
_ENTRY = re.compile(r"@\w+\{(\w+),(.*?)\n\n", re.S)
_FIELD = re.compile(r"\b(author|title|year|note|journal|booktitle|publisher|howpublished|doi) = \{(.*)\},?$", re.M)


def write_paper(
    run: str, *, title: str = "", coders: str | Path = "", gold: str = "gold", out: str | Path = ""
) -> Path:
    """Write `paper/`: paper.tex with references.bib and figures, and paper.docx with the same words and tables.

    A file that a person changed since it was written is kept.

    Parameters
    ----------
    title
        Of the paper; made from the codebook's name where empty.
    coders, gold
        The coders.yaml with the labels of people, and which of its coders is the gold.
    out
        Another folder than `runs/RUN/paper`.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    RunError
        The run has no table yet.

    Examples
    --------
    >>> import codebook as cb
    >>> folder = cb.report.write_paper("topics", coders="coders.yaml")
    >>> sorted(path.name for path in folder.glob("paper.*"))
    ['paper.docx', 'paper.tex']
    """
    facts = gather_facts(run, coders=coders, gold=gold)
    folder = make_private(resolve_path(out) if out else facts.folder / "paper")
    title = title or f"Coding {facts.book.name}"
    parts = list(_write_parts(facts, _copy_figures(facts, folder)))
    cited = [key for part in parts if isinstance(part, Paragraph) for key in part.cites]
    bibliography = write_bibliography(facts, cited)
    files = {
        "paper.tex": write_latex(parts, title=title, bibliography="references").encode(),
        "references.bib": bibliography.encode(),
    }
    with suppress(MissingExtraError):  # without python-docx there is no Word here; LaTeX says it all
        files["paper.docx"] = write_word(_write_for_word(title, parts, bibliography), title=title)
    write_unless_changed(folder, files)
    return folder


def _copy_figures(facts: Facts, folder: Path) -> list[Picture]:
    """The figures of the paper, copied beside it."""
    pictures = []
    for entry in facts.outputs:
        saved = [facts.folder / "outputs" / f"{entry.name}{ending}" for ending in (".pdf", ".png")]
        if entry.name in _FIGURES and all(path.is_file() for path in saved):
            target = make_private(folder / "figures") / entry.name
            for path in saved:
                shutil.copyfile(path, target.with_suffix(path.suffix))
            caption = facts.folder / "outputs" / f"{entry.name}.caption.txt"
            words = caption.read_text(encoding="utf-8").strip() if caption.is_file() else entry.title
            pictures.append(Picture(target, words, _width_mm(target.with_suffix(".png"))))
    return pictures


def _width_mm(png: Path) -> float:
    """The width at which a figure is printed 1:1, no wider than the text."""
    from codebook.outputs.figure_style import DPI

    width = int.from_bytes(png.read_bytes()[16:20], "big")
    return round(min(160.0, width / DPI * 25.4), 1)


def _write_parts(facts: Facts, pictures: Sequence[Picture]) -> Iterator[Part]:
    """All that the paper says, in the order of a paper."""
    yield Heading("Data and instrument")
    yield _tell(facts, methods.say_units, cites=("data_of_the_study",))
    yield _tell(facts, methods.say_instrument)
    yield from map(table_of_categories, facts.book.variables)
    yield Heading("Coding")
    yield _tell(facts, methods.say_models, disclosures.say_access, disclosures.say_tuning, cites=cite_models(facts))
    yield _tell(facts, disclosures.say_memory, disclosures.say_prompts, disclosures.say_system)
    yield _tell(facts, methods.say_coverage, disclosures.say_processing)
    yield _tell(facts, disclosures.say_privacy)
    yield _tell(facts, methods.say_people)
    for title, section in (("Reliability", "reliability"), ("Validity", "validity")):
        yield Heading(title)
        yield from _show_section(facts, section, pictures)
    others = dict.fromkeys(each.section for each in facts.outputs if is_result(each) and facts.saved(each.section))
    if results := [name for name in others if name not in ("reliability", "validity")]:
        yield Heading("Results")
        for name in results:
            yield from _show_section(facts, name, pictures)
    yield Heading("Limitations")
    yield from (Paragraph(each, is_item=True) for each in say_limitations(facts))
    yield Heading("Availability")
    yield _tell(facts, disclosures.say_code, methods.say_software, cites=cite_software(facts))
    yield _tell(facts, disclosures.say_funding)
    guided = "What is reported of the model follows GUIDE-LLM, item by item; the filled list lies with the data."
    yield Paragraph(guided, cites=("guidellm2026",))


def _tell(facts: Facts, *makers: Callable[[Facts], Iterator[str]], cites: tuple[str, ...] = ()) -> Paragraph:
    """A paragraph of sentences, the blanks at its end, where they do not tear it."""
    sentences = [sentence for make in makers for sentence in make(facts) if sentence]
    whole = [sentence for sentence in sentences if not sentence.startswith("[")]
    blanks = [sentence for sentence in sentences if sentence.startswith("[")]
    return Paragraph(" ".join([*whole, *blanks]), cites=cites)


def _show_section(facts: Facts, section: str, pictures: Sequence[Picture]) -> Iterator[Part]:
    """What was saved of a section: its sentences with their sources, its tables, its figures."""
    saved = facts.saved(section)
    findings = dict.fromkeys(entry.finding for entry in saved if entry.finding)
    words = " ".join(findings)
    yield Paragraph(
        words or f"[Say how the {section} was examined: nothing of it is saved.]", cites=cite_statistics(saved)
    )
    yield from (_as_table(entry) for entry in saved if entry.printed.get("rows") and entry.name not in _ONLY_DRAWN)
    yield from (picture for picture in pictures if picture.path.name in [entry.name for entry in saved])


def _as_table(entry: OutputEntry) -> TableBlock:
    printed = entry.printed
    n_rows, n_here = printed.get("n_rows", 0), len(printed["rows"])
    note = f"{n_here} of {n_rows:,} rows; all are in {entry.name}.csv." if n_rows > n_here else ""
    return TableBlock(entry.name, entry.title, printed, " ".join(filter(None, [note, entry.note])))


def _write_for_word(title: str, parts: Sequence[Part], bibliography: str) -> Iterator[Part]:
    """The parts with author and year in place of keys, and the sources at their end."""
    sources = {key: dict(_FIELD.findall(entry)) for key, entry in _ENTRY.findall(bibliography + "\n\n")}
    yield from (Heading(title, 0), Paragraph("[Name the authors]"))
    for part in parts:
        if isinstance(part, Paragraph) and part.cites:
            citation = f" ({'; '.join(_name_source(sources[key]) for key in part.cites)})"
            part = replace(part, text="".join(piece for piece, _ in place_citation(part, citation)))
        yield part
    yield Heading("References")
    names = ("author", "year", "title", "journal", "booktitle", "publisher", "note", "howpublished", "doi")
    for fields in sorted(sources.values(), key=lambda fields: _plain(fields["author"]).casefold()):
        words = [_plain(fields[name]).rstrip(".") for name in names if name in fields]
        words[0] = words[0].replace(" and ", "; ").removesuffix("; others") + " et al" * ("others" in words[0])
        yield Paragraph(f"{'. '.join(words)}.")


def _name_source(fields: Mapping[str, str]) -> str:
    """Author and year, such as "Hayes & Krippendorff 2007"."""
    author = fields["author"]
    whole = author.startswith("{")  # a name that is no person's
    names = [_plain(author)] if whole else [_plain(name).partition(",")[0] for name in author.split(" and ")]
    few = " & ".join(names) if len(names) < 3 else f"{names[0]} et al."
    return f"{few} {_plain(fields.get('year', ''))}".strip()


def _plain(text: str) -> str:
    """A field of BibTeX without its signs."""
    accents = {'{\\"o}': "ö", "{\\'e}": "é", "\\&": "&", "\\_": "_", "--": "–", "{[}": "["}
    for sign, letter in accents.items():
        text = text.replace(sign, letter)
    text = re.sub(r"\\url\{([^{}]*)\}", r"\1", text)
    return re.sub(r"[{}]", "", text)


def write_unless_changed(folder: Path, files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Write files into a folder, but those that a person changed since they were written; return the names of these.

    Examples
    --------
    >>> folder = Path("drafts")
    >>> write_unless_changed(folder, {"a.txt": b"one", "b.txt": b"two"})
    ()
    >>> _ = (folder / "a.txt").write_text("mine")
    >>> write_unless_changed(folder, {"a.txt": b"new", "b.txt": b"new"}), (folder / "b.txt").read_text()
    (('a.txt',), 'new')
    """
    note = folder / NOTE
    written: dict[str, str] = read_json(note) if note.is_file() else {}
    changed = [name for name in files if (folder / name).is_file() and digest_file(folder / name) != written.get(name)]
    for name in files.keys() - set(changed):
        write_whole(folder / name, files[name])
        written[name] = digest_file(folder / name)
    write_json(note, dict(sorted(written.items())))
    return tuple(changed)


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


def codebook_parts(book: Codebook) -> Iterator[Part]:
    """The whole codebook, as coders read it."""
    yield Heading(f"Codebook {book.name}, version {book.version}", 0)
    yield Paragraph(f"Unit: {book.unit}")
    if book.instructions:
        yield Paragraph(book.instructions)
    for variable in book.variables:
        yield Heading(variable.title or variable.name)
        yield Paragraph(f"{variable.question} ({variable.told})")
        for category in (*variable.categories, *variable.abstain):
            yield Heading(_name(category), 2)
            yield from _describe(category)
        for records in variable.lists:
            yield Heading(records.name, 2)
            yield from (Paragraph(_field(field.name, field.definition), is_item=True) for field in records.fields)
    yield Paragraph(f"SHA-256 of what this codebook says: {book.digest}")


def _describe(category: Category) -> Iterator[Part]:
    if category.definition:
        yield Paragraph(category.definition)
    yield from (Paragraph(f"Include: {text}", is_item=True) for text in category.include)
    yield from (Paragraph(f"Exclude: {text}", is_item=True) for text in category.exclude)
    for example in category.examples:
        why = f" Because: {example.why}" if example.why else ""
        yield Paragraph(f"Example: {example.text or example.image}{why}", is_item=True)


def _name(category: Category) -> str:
    return f"{category.name}: {category.title}" if category.title else category.name


def _field(name: str, definition: str) -> str:
    return f"{name}: {definition}" if definition else name


def table_of_categories(variable: Variable) -> TableBlock:
    """The categories of a variable with their definitions, as a paper prints them."""
    rows = [(_name(each), each.definition or "–") for each in (*variable.categories, *variable.abstain)]
    rows += [
        (f"{records.name}.{field.name}", field.definition or "–")
        for records in variable.lists
        for field in records.fields
    ]
    printed = {"columns": ["Category", "Definition"], "numeric": [False, False], "rows": rows, "n_rows": len(rows)}
    return TableBlock(f"categories_{variable.name}", f"Categories of {variable.title or variable.name}", printed)
