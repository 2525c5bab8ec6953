"""The wording of a codebook, looked at before it is paid for: what people and models would read in two ways.

Hints, never errors. They rest on words alone, so each quotes what it rests on. Definitions of one variable overlap
where `_OVERLAP` of the words of the shorter one stand in the other, and they are not one sentence with another word in
one place ("a positive tone", "a negative tone"), as scales are written on purpose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import combinations
from pathlib import Path

from codebook.errors import Fault, SchemeError
from codebook.files.unfolding import find_kind
from codebook.files.yaml_text import YamlTree, read_yaml
from codebook.ground.quantities import say_count
from codebook.paths import resolve_path
from codebook.scheme.codebook_checks import Finding, Loc, as_number
from codebook.scheme.codebook_opening import read_codebook
from codebook.scheme.model import Category, Codebook, Variable

_OVERLAP = 0.6
_N_ALIKE = 3
"""Words that two definitions must share before their share counts."""
_SELF_EVIDENT = frozenset(["yes", "no", "true", "false", "ja", "nein", "oui", "non", "sí", "si"])
_RESIDUAL = re.compile(
    r"(?:all |any |something )?(?:others?|else|misc(?:ellaneous)?|rest|remainder|none(?: of (?:these|them|the above))?"
    r"|sonstig\w*|andere[rsn]?|weitere[rsn]?|keine? davon|autres?|otr[oa]s?|altr[oi])(?: topics?| themes?)?",
    re.IGNORECASE,
)
_STOP = frozenset(
    re.findall(
        r"\w+",
        """a an the of to in on at by for from with without and or not no nor but if then than that this these those it
        its is are was were be been being has have had do does did can could may might will would should must as so such
        any all each every one other others only also more most some what which who whom whose where when how why
        into about over under between within their there here they he she his her them we you your our us up out etc eg
        ie der die das den dem des ein eine einer eines einem einen und oder nicht kein keine von zu im in an auf mit
        für ist sind war hat haben wird werden als auch nur es sie er wer was wo wie dass bei aus über""",
    )
)
_NEGATION = re.compile(
    r"\b(?:not?|never|none|neither|without|cannot|\w+n['’]t|nicht|kein\w*|ohne|nie)\b", re.IGNORECASE
)
_UN = (
    "un(?:likely|common|usual|important|related|clear|reasonable|favou?rable|necessary|aware|able|known|justified|fair)"
)
_DOUBLE = re.compile(
    rf"\b(?:not|never|cannot|\w+n['’]t)\s+(?:{_UN}|impossible|improbable|insignificant|without|none|nothing|nobody|never)\b"
    r"|\bunless\b[^.;:?]{0,80}?\b(?:not|no|never|cannot|\w+n['’]t|without)\b"
    r"|\b(?:not|never|\w+n['’]t)\s+(?:\w+\s+){0,3}?(?:if|when|where)\s[^.;:?]{0,80}?\b(?:not|no|never|\w+n['’]t|without)\b"
    r"|\bnicht\s+(?:un(?!d\b|s\b|ser|ter)\w{4,}|ohne|kein\w*)\b",
    re.IGNORECASE,
)
_NEGATED = re.compile(r"(?:not?|never|do not|don['’]t|nicht|kein\w*)\s", re.IGNORECASE)
_ASKS_AGAIN = re.compile(
    r"\b(?:and|und)\s+(?:if so,?\s+)?(?:is|are|was|were|does|do|did|has|have|can|will|should|which|what|who|how|why"
    r"|when|where|ist|sind|hat|haben|wird|welche\w*|was|wer|wie|warum)\s+\w+",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Wording:
    """What was remarked in a codebook's wording, each with its place, the words it rests on, and a mend.

    Examples
    --------
    >>> import codebook as cb
    >>> from codebook.scheme.wording import check_wording
    >>> check_wording(cb.read_codebook("codebook.yaml")).name
    'my-study'
    """

    name: str
    hints: tuple[Fault, ...]

    def __str__(self) -> str:
        if not self.hints:
            return f"wording of {self.name}: nothing to remark."
        n = len(self.hints)
        head = f"wording of {self.name}: {say_count(n, 'hint')}; none keeps you from going on."
        return "\n".join([head, *(f"  HINT  {hint}" for hint in self.hints)])

    __repr__ = __str__


def check_wording(codebook: Codebook | str | Path) -> Wording:
    """Look for wording that people and models read in two ways. Nothing is sent, and nothing of it is an error.

    Told are categories without a definition, definitions that overlap, rules that contradict each other, examples that
    break their own rule, double negations, and questions that ask two things.

    Parameters
    ----------
    codebook
        A codebook, or its file, whose lines are then named.

    Raises
    ------
    SchemeError
        The file is no codebook.

    Examples
    --------
    >>> topic = {"name": "topic", "question": "What is it about?", "kind": "single", "level": "nominal"}
    >>> topic["categories"] = ["economy", {"name": "sports", "definition": "Matches.", "exclude": "not about matches"}]
    >>> print(check_wording(Codebook.model_validate({"name": "news", "unit": "a text", "variables": [topic]})))
    wording of news: 2 hints; none keeps you from going on.
      HINT  news, topic: 1 of 2 categories has no definition ('economy'); models and people will guess. To mend: write
    `definition: ...`, one sentence that says when it is chosen.
      HINT  news, topic, sports: an exclude with a negation, 'not about matches', includes what it should leave out. To
    mend: say what does not belong, without "not".
    """
    from codebook.files.tables import READERS

    if isinstance(codebook, Codebook):
        book, tree = codebook, None
    else:
        book, path = read_codebook(codebook), resolve_path(codebook)
        is_file = path.is_file() and find_kind(path) not in READERS
        tree = read_yaml(path, error=SchemeError, summary="The codebook cannot be read.") if is_file else None
    findings = list(_find_hints(book))
    if tree:
        findings.sort(key=lambda finding: tree.line(_written_loc(finding[0], tree)))
    hints = (Fault(_place(book, tree, loc), problem, mend) for loc, problem, mend in findings)
    return Wording(tree.where if tree else book.name, tuple(hints))


def _place(book: Codebook, tree: YamlTree | None, loc: Loc) -> str:
    """File and line, or the names of codebook, variable and category where there is no file."""
    if tree:
        return tree.place(_written_loc(loc, tree))
    names, part = [book.name], list(loc)
    if part[:1] == ["variables"]:
        variable = book.variables[int(part[1])]
        names.append(variable.name)
        if part[2:3] in (["categories"], ["abstain"]) and len(part) > 3:
            names.append(getattr(variable, str(part[2]))[int(part[3])].name)
    return ", ".join(names)


def _written_loc(loc: Loc, tree: YamlTree) -> Loc:
    """A place as the file has it: the one list of records of a variable may be written as its `fields`."""
    if loc[2:3] != ("lists",):
        return loc
    written = tree.value["variables"][loc[1]]
    return (*loc[:2], *loc[4:]) if "lists" not in written else loc


def _find_hints(book: Codebook) -> Iterator[Finding]:
    yield from _find_double(book.instructions, ("instructions",), "the instructions")
    for place, variable in enumerate(book.variables):
        for loc, problem, mend in (*_hints_of(variable), *_hints_of_fields(variable)):
            yield ("variables", place, *loc), problem, mend


def _hints_of(variable: Variable) -> Iterator[Finding]:
    yield from _find_two_questions(variable.question)
    yield from _find_double(variable.question, ("question",), "the question")
    ordered = variable.kind == "rating" or variable.level != "nominal"
    yield from _find_bare(variable.categories, ("categories",), ordered=ordered)
    for place, category in enumerate(variable.categories):
        for loc, problem, mend in _hints_of_category(category):
            yield ("categories", place, *loc), problem, mend
    pairs = list(combinations(enumerate(variable.categories), 2))
    for (_, first), (place, second) in pairs:
        hints = [] if ordered else list(_find_overlap(first, second))
        hints += [] if variable.is_set else list(_find_contradiction(first, second))
        for loc, problem, mend in hints:
            yield ("categories", place, *loc), problem, mend


def _hints_of_fields(variable: Variable) -> Iterator[Finding]:
    """Fields of records without a definition, and choices without one."""
    for number, records in enumerate(variable.lists):
        loc: Loc = ("lists", number, "fields")
        bare = [field.name for field in records.fields if not field.definition]
        if bare and not (len(records.fields) == 1 and records.definition):
            yield loc, _say_bare("field", bare, len(records.fields)), "write `definition: ...`: what is taken for it"
        for place, field in enumerate(records.fields):
            yield from _find_bare(field.categories, (*loc, place, "categories"), ordered=False)


def _find_two_questions(question: str) -> Iterator[Finding]:
    again = _ASKS_AGAIN.search(question)
    if question.count("?") > 1 or again:
        words = f", {again[0]!r}" if again else ""
        mend = "make two variables of it, or ask the one thing that the categories answer"
        yield ("question",), f"the question asks two things{words}", mend


def _find_bare(categories: Sequence[Category], loc: Loc, *, ordered: bool) -> Iterator[Finding]:
    """Categories without a definition; of a scale of numbers only its ends need one."""
    meant = [place for place, category in enumerate(categories) if category.name.casefold() not in _SELF_EVIDENT]
    if ordered and all(as_number(category.name) is not None for category in categories):
        meant = [place for place in meant if place in (0, len(categories) - 1)]
    bare = [place for place in meant if not _says_something(categories[place])]
    residual = [place for place in bare if _RESIDUAL.fullmatch(categories[place].name)]
    if rest := [categories[place].name for place in bare if place not in residual]:
        mend = "write `definition: ...`, one sentence that says when it is chosen"
        yield loc, _say_bare("end of the scale" if ordered and len(meant) == 2 else "category", rest, len(meant)), mend
    for place in residual:
        problem = f"the residual category {categories[place].name!r} has no definition, so where it begins is guessed"
        yield (*loc, place), problem, "say what belongs there, and that all other categories are tried first"


def _say_bare(what: str, names: Sequence[str], n: int) -> str:
    plural = {"category": "categories", "end of the scale": "ends of the scale"}.get(what, f"{what}s")
    listed = ", ".join(map(repr, names[:8])) + ", ..." * (len(names) > 8)
    has = "has" if len(names) == 1 else "have"
    return (
        f"{len(names)} of {n} {plural if n > 1 else what} {has} no definition ({listed}); models and people will guess"
    )


def _says_something(category: Category) -> bool:
    """Whether anything is said beyond the name."""
    words, name = set(_flat(category.definition).split()), set(_flat(category.name).split())
    return not words <= name or bool(category.include or category.examples)


def _hints_of_category(category: Category) -> Iterator[Finding]:
    yield from _find_double(category.definition, ("definition",), f"the definition of {category.name!r}")
    for field in ("include", "exclude"):
        for place, text in enumerate(getattr(category, field)):
            yield from _find_double(text, (field, place), f"`{field}` of {category.name!r}")
    for place, text in enumerate(category.exclude):
        if _NEGATED.match(text):
            problem = f"an exclude with a negation, {text!r}, includes what it should leave out"
            yield ("exclude", place), problem, 'say what does not belong, without "not"'
        if any(_words(text) == _words(other) for other in category.include):
            problem = f"{category.name!r} includes and excludes {text!r}"
            yield ("exclude", place), problem, "keep one of the two"
        for number, example in enumerate(category.examples):
            if _holds(example.text, text):
                problem = f"this example of {category.name!r} has the words of its own exclude {text!r}"
                yield ("examples", number), problem, "take another example, or say more exactly what is excluded"


def _find_double(text: str, loc: Loc, what: str) -> Iterator[Finding]:
    if match := _DOUBLE.search(" ".join(text.split())):
        yield loc, f"{what} negates twice: {match[0]!r}", "say it without the negations"


def _find_overlap(first: Category, second: Category) -> Iterator[Finding]:
    left, right = _words(first.definition), _words(second.definition)
    shared = left & right
    if len(shared) < _N_ALIKE or len(shared) < _OVERLAP * min(len(left), len(right)):
        return
    negations = [len(_NEGATION.findall(category.definition)) for category in (first, second)]
    if negations[0] != negations[1] or _differ_in_one_place(first.definition, second.definition):
        return
    words = ", ".join([word for word in dict.fromkeys(_flat(second.definition).split()) if _stem(word) in shared][:6])
    problem = f"the definitions of {first.name!r} and {second.name!r} share most of their words ({words})"
    yield ("definition",), problem, "say in both what sets them apart, or use `exclude`"


def _differ_in_one_place(first: str, second: str) -> bool:
    """Whether two sentences are one but for words in one place, as those of opposites are."""
    left, right = (re.findall(r"\w+", text.casefold()) for text in (first, second))
    parts = SequenceMatcher(None, left, right, autojunk=False).get_opcodes()
    changed = [part for part in parts if part[0] != "equal"]
    return len(changed) == 1 and changed[0][0] == "replace"


def _find_contradiction(first: Category, second: Category) -> Iterator[Finding]:
    """What two categories that exclude each other both claim: phrases under `include`, and examples."""
    for place, text in enumerate(second.include):
        if any(_words(text) and _words(text) == _words(other) for other in first.include):
            problem = f"{first.name!r} and {second.name!r} both include {text!r}"
            yield ("include", place), problem, "leave it with one of them, and exclude it from the other"
        elif _claims(first, text):
            problem = f"{second.name!r} includes {text!r}, which stands in the definition of {first.name!r} too"
            yield ("include", place), problem, f"exclude it from {first.name!r}, or take it out here"
    for place, example in enumerate(second.examples):
        if example.text and any(_flat(example.text) == _flat(other.text) for other in first.examples):
            problem = f"the example {example.text[:60]!r} stands under {first.name!r} and {second.name!r}"
            yield ("examples", place), problem, "leave it with the one that it shows"


def _claims(category: Category, phrase: str) -> bool:
    """Whether a definition has a phrase of two words at least, and no exclude takes it out."""
    excluded = any(_words(phrase) & _words(text) for text in category.exclude)
    return len(_words(phrase)) > 1 and not excluded and _flat(phrase) in _flat(category.definition)


def _holds(text: str, phrase: str) -> bool:
    """Whether a text has all words of a phrase that says something."""
    words = _words(phrase)
    return bool(words) and (len(words) > 1 or len(min(words)) > 4) and words <= _words(text)


def _flat(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def _words(text: str) -> frozenset[str]:
    """The words of a text that say something, without a plural's s."""
    return frozenset(_stem(word) for word in _flat(text).split() if word not in _STOP)


def _stem(word: str) -> str:
    return re.sub(r"(?<=\w{2}[^s])s$", "", word)
