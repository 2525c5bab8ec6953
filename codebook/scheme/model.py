"""Codebook, Variable, Category and Example: what a file may say, field by field.

What one field can get wrong, pydantic says; what fields get wrong together is in `codebook.scheme.codebook_checks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from codebook.files.lines import digest, dump_canonical
from codebook.ground.plugins import TASK_GROUP, list_plugins
from codebook.scheme.number_values import fill_scale, say_bounds

Level = Literal["nominal", "ordinal", "interval", "ratio"]
FieldKind = Literal["text", "quote", "choice", "number"]
KINDS = ("single", "multi", "rating", "number", "text", "records", "transcription", "embedding")
LEVELS: tuple[str, ...] = get_args(Level)
FIELD_KINDS: tuple[str, ...] = get_args(FieldKind)

OPEN_KINDS = {
    "text": None,
    "records": None,
    "transcription": "Transcribe the document.",
    "embedding": "Give the vector of each text.",
}
"""Kinds that choose from no list of labels, so that level and categories are left out; and what they ask by default."""


def list_kinds() -> tuple[str, ...]:
    """Return the kinds that a variable may be of: those of the kit, and those of tasks that packages register."""
    return (*KINDS, *list_plugins(TASK_GROUP))


def _check_kind(kind: object) -> object:
    if not isinstance(kind, str) or (kind not in KINDS and kind not in list_kinds()):
        raise PydanticCustomError("literal_error", "no kind of variable")
    return kind


def _as_list(value: Any) -> Any:
    """A single sentence where a list is expected counts as a list of one."""
    if value in ("", None):
        return ()
    return (value,) if isinstance(value, str) else value


def _as_category(value: Any) -> Any:
    """A bare name where a category is expected is a category without a definition."""
    return {"name": value} if isinstance(value, str) else value


def _as_example(value: Any) -> Any:
    """A bare text where an example is expected is an example without a reason."""
    return {"text": value} if isinstance(value, str) else value


def _as_whole(value: float | None) -> Any:
    """A bound as it is written: a whole number without a point."""
    return int(value) if value is not None and value.is_integer() else value


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with other fields; what was computed from the old ones, such as a digest, does not come along."""
        copy = super().model_copy(update=update, deep=deep)
        for name in copy.__dict__.keys() - type(self).model_fields.keys():
            del copy.__dict__[name]
        return copy


Sentences = Annotated[tuple[str, ...], BeforeValidator(_as_list)]


class Example(_Part):
    """A coded example: a text, an image (its path) or both, and why it gets this code.

    Attributes
    ----------
    image, text
        A path from the folder of the codebook; the words. One of the two at least.
    max_side : int
        Pixels of the longer side when the image is sent; 0 for the default of `read_images`.
    detail
        How closely a service looks at the image.
    why
        The reason for the code, in a sentence.

    Examples
    --------
    >>> Example(text="They won the match.", why="A match is a game.").text
    'They won the match.'
    """

    image: str = ""
    max_side: Annotated[int, Field(ge=0)] = 0
    detail: Literal["", "auto", "low", "high", "original"] = ""
    text: Annotated[str, Field(validate_default=True)] = ""
    why: str = ""

    @field_validator("text")
    @classmethod
    def _shows_something(cls, text: str, info: ValidationInfo) -> str:
        if not text and not info.data.get("image"):
            raise PydanticCustomError("string_too_short", "neither text nor image")
        return text


NamedExample = Annotated[Example, BeforeValidator(_as_example)]


class Category(_Part):
    """A code: its name as it stands in the data, its definition, and what belongs to it or does not.

    Attributes
    ----------
    name
        The label, as it stands in the data.
    title
        What tables and figures call it, such as "against" for -1; no coder sees it.
    definition
        What the code means, in a sentence or two.
    include, exclude
        What belongs to it although one may doubt, and what does not although it looks like it.
    examples
        Coded examples: a text, or a mapping with text or image and why.
    key
        The key that people press for it in the coding form, one sign; by itself the next that is free.

    Examples
    --------
    >>> Category(name="1", title="for", definition="It welcomes the levy.").title
    'for'
    """

    name: Annotated[str, Field(min_length=1, max_length=200)]
    title: Annotated[str, Field(max_length=80)] = ""
    definition: str = ""
    include: Sentences = ()
    exclude: Sentences = ()
    examples: Annotated[tuple[NamedExample, ...], BeforeValidator(_as_list)] = ()
    key: Annotated[str, Field(max_length=1)] = ""


NamedCategory = Annotated[Category, BeforeValidator(_as_category)]
Bound = Annotated[float | None, Field(allow_inf_nan=False), PlainSerializer(_as_whole)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,39}$")]


class RecordField(_Part):
    """One field of a record: a text, words quoted from the unit, one of its categories, or a number.

    Attributes
    ----------
    name
        Of its column.
    kind
        text, quote (words of the unit, found again in it), choice (one of the categories) or number.
    definition
        What to write there.
    categories
        Of a choice.

    Examples
    --------
    >>> RecordField(name="person", kind="quote").kind
    'quote'
    """

    name: Name
    kind: FieldKind = "text"
    definition: str = ""
    categories: Annotated[tuple[NamedCategory, ...], BeforeValidator(_as_list)] = ()

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The category names of a choice, in codebook order."""
        return tuple(category.name for category in self.categories)


class RecordList(_Part):
    """What is to be found in a unit, such as all its entities.

    Attributes
    ----------
    name
        Of the list.
    definition
        What belongs into it.
    fields
        What is written down of each record.
    most : int
        Records of a unit at most; 0 for any number.

    Examples
    --------
    >>> RecordList(name="people", fields=(RecordField(name="person", kind="quote"),)).fields[0].name
    'person'
    """

    name: Name
    definition: str = ""
    fields: Annotated[tuple[RecordField, ...], Field(min_length=1)]
    most: Annotated[int, Field(ge=0)] = 0


class Variable(_Part):
    """One question of the codebook.

    Attributes
    ----------
    name
        Of the variable: letters, digits and underscores.
    title
        What tables and figures call it; no coder sees it.
    question
        What coders are asked.
    kind
        single, multi, rating, number or text; records, transcription or embedding; or that of a plug-in.
    level
        Of measurement: nominal, ordinal, interval or ratio. It is never guessed.
    categories
        The codes, in order: each a name, or a mapping with definition, include, exclude and examples.
    abstain
        Codes for "cannot be coded": they are answers and stay codes, but are no points of a scale.
    minimum, maximum, step
        Bounds of a number, and how far apart its values are; of a rating its points, by 1 where no step is said.
        Categories are then needed only for the points that are to be explained.
    decimals : int
        Places behind the point that a number has at most; 0 for whole numbers.
    evidence, confidence : bool
        Ask for the words that decided; for a number from 0 to 1.
    lists
        Of the kind records; one list named like the variable may be given as its `fields`.
    tables : bool
        Of the kind transcription: write tables as such.

    Examples
    --------
    >>> from codebook.scheme import Variable
    >>> tone = Variable(name="tone", question="Which tone?", kind="single", level="nominal", categories=["good", "bad"])
    >>> tone.labels
    ('good', 'bad')
    >>> heat = Variable(name="heat", question="How heated?", kind="rating", level="ordinal", minimum=1, maximum=5)
    >>> heat.labels
    ('1', '2', '3', '4', '5')
    """

    name: Name
    title: Annotated[str, Field(max_length=80)] = ""
    question: Annotated[str, Field(min_length=1)]
    kind: Annotated[str, BeforeValidator(_check_kind)]
    level: Level
    categories: tuple[NamedCategory, ...]
    abstain: Annotated[tuple[NamedCategory, ...], BeforeValidator(_as_list)] = ()
    minimum: Bound = None
    maximum: Bound = None
    step: Bound = None
    decimals: Annotated[int | None, Field(ge=0, le=9)] = None
    evidence: bool = False
    confidence: bool = False
    lists: tuple[RecordList, ...] = ()
    tables: bool = False

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, raw: Any) -> Any:
        """What goes without saying for kinds without a list of labels."""
        if not isinstance(raw, dict) or not isinstance(kind := raw.get("kind"), str):
            return raw
        if kind in ("rating", "number") and (kind == "number" or raw.keys() & {"minimum", "maximum", "step"}):
            return raw | {"categories": fill_scale(raw)}
        plugged = kind not in KINDS and not raw.get("categories") and kind in list_kinds()
        if kind not in OPEN_KINDS and not plugged:
            return raw
        filled: dict[str, Any] = {"level": "nominal", "categories": ()}
        if question := OPEN_KINDS.get(kind):
            filled["question"] = question
        filled |= raw
        if kind == "records" and "fields" in raw and "lists" not in raw:
            filled["lists"] = [{"name": raw.get("name"), "fields": filled.pop("fields")}]
        return filled

    @property
    def is_open(self) -> bool:
        """Whether its answers are not chosen from labels: records, transcriptions, vectors."""
        return self.kind in OPEN_KINDS or (self.kind not in KINDS and not self.categories)

    @property
    def is_number(self) -> bool:
        """Whether its answers are numbers that are typed, in bounds or free, and no points of a list."""
        return self.kind == "number"

    @property
    def is_set(self) -> bool:
        """Whether a label is a set of categories, written as a JSON list."""
        return self.kind == "multi"

    @property
    def told(self) -> str:
        """Kind and level in words; the kind alone where no level is meant."""
        return self.kind if self.is_open else ", ".join(filter(None, [self.kind, self.level, say_bounds(self)]))

    @cached_property
    def scale(self) -> tuple[str, ...]:
        """The category names in codebook order, abstention codes left out."""
        return tuple(category.name for category in self.categories)

    @property
    def measure(self) -> str:
        """The level at which agreement of single pairs is computed; for label sets the distance between them."""
        return "masi" if self.is_set else self.level

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Every allowed label in codebook order: the categories, then the abstention codes."""
        return self.scale + tuple(category.name for category in self.abstain)

    @cached_property
    def titles(self) -> dict[str, str]:
        """What tables and figures call the labels that have a title."""
        return {each.name: each.title for each in (*self.categories, *self.abstain) if each.title}


class Codebook(_Part):
    """The whole instrument: general instructions and variables in order.

    Attributes
    ----------
    name
        Of the codebook: letters, digits, - and _.
    version
        Yours to count; what was asked is known by its digest.
    unit
        What is coded, such as "a sentence of a debate".
    instructions
        What holds for all variables.
    variables
        The questions.

    Examples
    --------
    >>> import codebook as cb
    >>> book = cb.read_codebook("codebook.yaml")
    >>> book.unit, book.variable("topic").labels
    ('one headline of a newspaper', ('economy', 'health', 'sports'))
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]
    version: str = "1"
    unit: Annotated[str, Field(min_length=1)]
    instructions: str = ""
    variables: Annotated[tuple[Variable, ...], Field(min_length=1)]

    def variable(self, name: str) -> Variable:
        """Return the variable of this name, or the first if the name is empty; a KeyError lists the names there are."""
        if not name:
            return self.variables[0]
        for variable in self.variables:
            if variable.name == name:
                return variable
        raise KeyError(f"no variable {name!r} in codebook {self.name!r}: it has {[v.name for v in self.variables]}")

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything the codebook says; layout, comments, titles and keys left out."""
        return digest(dump_canonical(_without_looks(self.model_dump(mode="json", exclude_defaults=True))))

    def variable_digest(self, name: str) -> str:
        """SHA-256 of all that a coder sees for one variable: it changes only when that variable must be asked anew."""
        fields = _without_looks(self.variable(name).model_dump(mode="json", exclude_defaults=True))
        return digest(self.unit, self.instructions, dump_canonical(fields))

    def _repr_html_(self) -> str:
        from codebook.scheme.rendering import render_html

        return render_html(self)


def _without_looks(fields: Any) -> Any:
    """The fields of a codebook that say what is asked."""
    if isinstance(fields, list):
        return [_without_looks(each) for each in fields]
    if isinstance(fields, dict):
        return {name: _without_looks(value) for name, value in fields.items() if name not in ("title", "key")}
    return fields
