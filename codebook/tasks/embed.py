"""Embedding: the vectors of texts (kind `embedding`). What is asked about is a pack of texts, not a unit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from codebook.dialects import Turn
from codebook.dialects.embeddings import BASE64
from codebook.errors import Fault, ParameterError
from codebook.material.unit_store import PACK_TEXTS, texts_of
from codebook.records import EMBEDDINGS, Unit
from codebook.tasks.question import Label, Question

_SETTINGS = ("dimensions", "encoding_format", "user")
_TOLD = re.compile(r"\d+ vectors? of \d+")


class Embed(Question):
    """The vectors of a pack of texts; the label tells how many there are, the vectors go to the store.

    Examples
    --------
    >>> from codebook.scheme import parse_codebook
    >>> book = parse_codebook("{name: near, unit: a headline, variables: [{name: vectors, kind: embedding}]}")
    >>> question = Embed(book, book.variables[0])
    >>> pack = Unit("pack-2-ab", '["Coal is cheap.","Coal is dirty."]')
    >>> question.write_body("?", "/v1/embeddings", "m", {"dimensions": 256})
    {'model': 'm', 'input': '?', 'encoding_format': 'base64', 'dimensions': 256}
    >>> question.write_content(pack, "/v1/embeddings")
    ['Coal is cheap.', 'Coal is dirty.']
    >>> question.read_label("2 vectors of 256").label
    '2 vectors of 256'
    """

    rule = ""
    endpoint = EMBEDDINGS
    n_texts = PACK_TEXTS
    makes_vectors = True

    @classmethod
    def check_settings(cls, settings: Mapping[str, Any], url: str = EMBEDDINGS) -> list[Fault]:
        """Return a fault for each setting that a request for vectors cannot have."""
        mend = f"leave it out; a request for vectors takes {', '.join(_SETTINGS)}"
        faults = [Fault("settings", f"`{name}` is not free", mend) for name in settings if name not in _SETTINGS]
        dimensions, form = settings.get("dimensions"), settings.get("encoding_format", BASE64)
        if dimensions is not None and (type(dimensions) is not int or dimensions < 1):
            faults.append(
                Fault("dimensions", f"{dimensions!r} is no number of dimensions", "give a whole number above 0")
            )
        if form not in (BASE64, "float"):
            faults.append(Fault("encoding_format", f"{form!r}", "write base64 (a third of the room) or float"))
        return faults

    def write_body(self, user: str, url: str, model: str, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The body of a request with these texts.

        Raises
        ------
        ParameterError
            A setting is not one of embeddings, or has no such value.
        """
        ParameterError.raise_any("Vectors cannot be asked for like this.", self.check_settings(settings))
        return {"model": model, "input": user, "encoding_format": BASE64, **settings}

    def write_content(self, unit: Unit, url: str) -> list[str]:
        """The texts of a pack."""
        return texts_of(unit)

    def write_user(self, unit: Unit) -> str:
        """The texts, for people to read."""
        return "\n".join(texts_of(unit))

    def read_label(self, text: str) -> Label:
        """Read what a reply with vectors holds."""
        return Label(text) if _TOLD.fullmatch(text) else Label(None, "invalid", "the reply holds no vectors")

    def read_value(self, reply: Mapping[str, Any]) -> tuple[str | None, str]:
        """Vectors are no JSON of a schema."""
        return None, "the reply holds no vectors"

    def value_schema(self) -> dict[str, Any]:
        """Nothing: the endpoint gives vectors and nothing else."""
        return {}

    def write_answer(self, label: str) -> str:
        """Vectors have no examples; the label itself."""
        return label

    @cached_property
    def system(self) -> str:
        """Nothing: the endpoint takes no instructions."""
        return ""

    @cached_property
    def turns(self) -> tuple[Turn, ...]:
        """Nothing: the endpoint takes no examples."""
        return ()
