"""What Ray's processor asks of transformers: a chat becomes a prompt."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any


class AutoProcessor:
    @classmethod
    def from_pretrained(cls, path: str, **_: Any) -> AutoProcessor:
        return cls()

    def apply_chat_template(self, conversation: list[dict[str, str]], **_: Any) -> str:
        return "\n".join(message["content"] for message in conversation)


class AutoConfig:
    @classmethod
    def from_pretrained(cls, path: str, **_: Any) -> SimpleNamespace:
        return SimpleNamespace(architectures=["StandIn"])
