"""What the embedded engine can do beside labels of texts and vectors, and which question needs which of it.

A skill is a module with one function, imported when it is first needed. It takes a prompt and `encode` (texts to
vectors), and returns the reply text in the form of the schema, or raises `UnreadableError`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from codebook.dialects import Prompt
from codebook.engines.embedded.encoders import Vector
from codebook.engines.embedded.request_reader import UnreadableError

Encode = Callable[[list[str]], Vector]


@dataclass(frozen=True, slots=True)
class Skill:
    """A module and its function, the model that its replies name, and two more functions.

    `lack` raises what a prompt asks that the skill cannot do, whatever its text; `ahead` looks at many prompts before.
    """

    module: str
    function: str
    model: str
    lack: str = ""
    ahead: str = ""

    def reply(self, prompt: Prompt, encode: Encode) -> tuple[str, str]:
        """Answer a prompt, and name the model that did: its own, and who helped.

        Raises
        ------
        UnreadableError
            It asks for something that the skill cannot do.
        MissingExtraError
            A package of its extra is not installed.
        """
        answer = self._find(self.function)(prompt, encode)
        text, helper = answer if isinstance(answer, tuple) else (answer, "")
        return str(text), f"{self.model}+{helper}" if helper else self.model

    def check(self, prompt: Prompt) -> None:
        """Refuse a question that the skill cannot answer of any text or file.

        Raises
        ------
        UnreadableError
            It asks for something that the skill cannot do.
        """
        if self.lack:
            self._find(self.lack)(prompt)

    def look_ahead(self, prompts: Sequence[Prompt]) -> None:
        """Let the skill do for several prompts at once what it can; the replies are the same without it."""
        if self.ahead:
            self._find(self.ahead)(prompts)

    def _find(self, name: str) -> Callable[..., Any]:
        function: Callable[..., Any] = getattr(import_module(f"codebook.engines.embedded.{self.module}"), name)
        return function


PHOTOS = Skill("photos.photo_labels", "code_photos", "embedded-efficientnet-lite0-1", ahead="look_ahead")
RECORDS = Skill("records.extracting", "extract_records", "embedded-spacy-sm-2", "check_question")
PAGES = Skill("pages.page_reader", "transcribe_pages", "embedded-rapidocr-4", "check_question")


def find_skill(prompt: Prompt) -> Skill | None:
    """Return the skill that a prompt needs, or None where it asks for labels of a text.

    Raises
    ------
    UnreadableError
        Nothing here answers files of this kind.
    """
    properties = prompt.schema.get("properties")
    names: set[str] = set(properties) if isinstance(properties, Mapping) else set()
    if "pages" in names:
        return PAGES
    if names & {"topics", "entities"}:
        return RECORDS
    if kinds := {part.kind for part in _all_files(prompt)}:
        if kinds == {"image"}:
            return PHOTOS
        raise UnreadableError(f"the embedded engine reads labels of texts and images only, not of: {', '.join(kinds)}")
    return None


def _all_files(prompt: Prompt) -> list[Any]:
    return [*prompt.files, *(part for turn in prompt.turns for part in turn.files)]
