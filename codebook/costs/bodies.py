"""Count the tokens of a request: its messages, its schema, and what each message adds.

Images are counted by their size, the level of detail and the family of the model. Two rules (OpenAI's guide
"Images and vision", as of 2026-11, and copies of it):

patches
    The image is covered by squares of 32 pixels, and each costs `rate` tokens. If there are more than the family's
    budget, the image is scaled down until they fit. Rates of gpt-4.1-mini, gpt-4.1-nano and o4-mini are the guide's.
    Of newer models it gave 1.62 to 2.46, but bills of March 2026 (forum of OpenAI) and of October 2026 (a public
    project measured gpt-6-luna and gpt-5.4-nano) show 1.2, of gpt-5-nano 1.5; these are taken. From gpt-5.6 on, `auto`
    is `original`: no budget, and more than 30,000 patches are refused; `low` is a budget of 256.
tiles
    The image is scaled down to fit into 2,048 x 2,048 pixels, then to 768 on its shorter side; each square of 512
    pixels that is needed to cover it costs `rate` tokens, and the image `base`. `low` costs `base`.

The rule of any other family is not known: its images are named as not counted.
"""

from __future__ import annotations

import math
from base64 import b64decode
from binascii import Error
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from codebook.costs.tokens import TokenCounter
from codebook.errors import MissingExtraError
from codebook.files.pdfs import PdfError, read_page_texts
from codebook.files.pictures import PictureError, look_at
from codebook.records import EMBEDDINGS

PATCH, TILE = 32, 512
TILES_FIT, TILES_SHORT = 2_048, 768
HEAD = 16_384
"""Characters of base64 that mostly tell an image's size; where they do not, all of it is decoded."""


@dataclass(frozen=True, slots=True)
class Patches:
    """Tokens of a patch, and how many patches an image is scaled down to at `high`, `low` and `auto` (None: as is)."""

    rate: float
    high: int = 1_536
    low: int | None = None
    auto: int | None = 1_536

    def count(self, width: int, height: int, detail: str) -> int:
        """Tokens of an image of this size in pixels."""
        budgets = {"high": self.high, "low": self.low or self.high, "auto": self.auto, "original": None}
        return math.floor(_fit_patches(width, height, budgets.get(detail, self.auto)) * self.rate)


@dataclass(frozen=True, slots=True)
class Tiles:
    """Tokens of an image by itself, and of each of its tiles."""

    base: int
    rate: int

    def count(self, width: int, height: int, detail: str) -> int:
        """Tokens of an image of this size in pixels."""
        if detail == "low":
            return self.base
        scale = min(1, TILES_FIT / max(width, height))
        scale *= min(1, TILES_SHORT / (min(width, height) * scale))
        across, down = (math.ceil(round(side * scale, 6) / TILE) for side in (width, height))
        return self.base + self.rate * across * down


_NEWEST = Patches(1.2, high=2_500, low=256, auto=None)
_FAMILIES: Mapping[str, Patches | Tiles] = {
    "gpt-6": _NEWEST,
    "gpt-5.6": _NEWEST,
    "gpt-5.5": Patches(1.2, high=2_500, auto=2_500),
    "gpt-5.4": Patches(1.2, high=2_500, auto=2_500),
    "gpt-5.4-mini": Patches(1.2),
    "gpt-5.4-nano": Patches(1.2, high=2_500, low=256, auto=2_500),
    "gpt-5.2": Patches(1.2),
    "gpt-5-mini": Patches(1.2),
    "gpt-5-nano": Patches(1.5),
    "gpt-4.1-mini": Patches(1.62),
    "gpt-4.1-nano": Patches(2.46),
    "o4-mini": Patches(1.72),
    "gpt-5": Tiles(70, 140),
    "gpt-4o": Tiles(85, 170),
    "gpt-4.1": Tiles(85, 170),
    "gpt-4.5": Tiles(85, 170),
    "gpt-4o-mini": Tiles(2_833, 5_667),
    "o1": Tiles(75, 150),
    "o3": Tiles(75, 150),
}
"""Rules by the beginning of the model's name; the longest beginning counts."""


def find_rule(model: str) -> Patches | Tiles | None:
    """Return the rule of a model's family, or None where it is not known.

    Examples
    --------
    >>> find_rule("gpt-4o-mini-2024-07-18")
    Tiles(base=2833, rate=5667)
    >>> find_rule("qwen-vl") is None
    True
    """
    name = model.removeprefix("ft:").rpartition("/")[2]
    fitting = [start for start in _FAMILIES if name == start or name.startswith((f"{start}-", f"{start}."))]
    return _FAMILIES[max(fitting, key=len)] if fitting else None


def count_image(width: int, height: int, *, model: str, detail: str = "auto") -> int | None:
    """Count the tokens of an image of this size in pixels; None where the model's rule is not known.

    Examples
    --------
    >>> count_image(1024, 1024, model="gpt-4o"), count_image(2048, 4096, model="gpt-4o", detail="low")
    (765, 85)
    >>> count_image(512, 512, model="gpt-6-luna"), count_image(3000, 3000, model="gpt-6-luna", detail="high")
    (307, 3000)
    """
    rule = find_rule(model)
    return rule.count(width, height, detail) if rule else None


def is_image(part: Mapping[str, Any]) -> bool:
    """Whether a part of a message is an image, in either tongue."""
    return part.get("type") in ("image_url", "input_image")


def count_part(part: Mapping[str, Any], model: str) -> int | None:
    """Count the tokens of an image as it stands in a request; None where its size or the model's rule is not known."""
    rule, image = find_rule(model), part.get("image_url")
    fields: Mapping[str, Any] = image if isinstance(image, Mapping) else {"url": image, "detail": part.get("detail")}
    detail = str(fields.get("detail") or "auto")
    if isinstance(rule, Tiles) and detail == "low":
        return rule.base
    size = _find_size(str(fields.get("url") or ""))
    return count_image(*size, model=model, detail=detail) if size else None


def _find_size(address: str) -> tuple[int, int] | None:
    """Width and height of an image that stands in its address as base64; None for one that stands elsewhere."""
    head, _, data = address.partition(",")
    if not (head.startswith("data:") and head.endswith(";base64")):
        return None
    for coded in (data[:HEAD], data):
        try:
            return look_at(b64decode(coded)).size
        except MissingExtraError:
            return None
        except (Error, PictureError):
            continue
    return None


def _fit_patches(width: int, height: int, budget: int | None) -> int:
    """Patches that cover an image, after it was scaled down to the budget."""
    n_patches = math.ceil(width / PATCH) * math.ceil(height / PATCH)
    if budget is None or n_patches <= budget:
        return n_patches
    scale = math.sqrt(budget * PATCH**2 / (width * height))
    across, down = width * scale / PATCH, height * scale / PATCH
    scale *= min(math.floor(across) / across, math.floor(down) / down)
    return math.ceil(round(width * scale / PATCH, 6)) * math.ceil(round(height * scale / PATCH, 6))


MESSAGE_TOKENS = 4
"""Tokens that a message adds to those of its text: its marks and its role."""

REPLY_TOKENS = 3
"""Tokens that begin the reply, once a request."""

_TEXTS = frozenset({"text", "input_text", "output_text", "refusal"})


def count_request(body: Any, counter: TokenCounter, url: str = "") -> int:
    """Count the input tokens of a body of chat completions, responses or embeddings.

    Counted are all messages, the JSON schema as it is written, tools, and for each message `MESSAGE_TOKENS` and for
    each request `REPLY_TOKENS`. That overhead, and how a service spells a schema, are not published for new models.
    Images are counted where their size and the rule of the model's family are known
    (`codebook.costs.bodies`), files never (but see `count_pages`); `find_uncounted` names what is not.

    Examples
    --------
    >>> from codebook.costs.tokens import find_counter
    >>> body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "tokens are counted"}]}
    >>> count_request(body, find_counter("gpt-4o-mini"))
    10
    """
    body = body if isinstance(body, Mapping) else {}
    if url == EMBEDDINGS or _embeds(body):
        return _count_inputs(body.get("input"), counter)
    total = REPLY_TOKENS
    for texts in iter_messages(body):
        total += MESSAGE_TOKENS + sum(map(counter.count, texts))
    total += sum(list_images(body))
    if schema := find_schema(body):
        total += counter.count(_dump(schema))
    return total + sum(counter.count(_dump(tool)) for tool in _list(body.get("tools")))


def list_images(body: Mapping[str, Any]) -> list[int]:
    """Tokens of each image of a body whose size and rule are known."""
    counts = (count_part(part, _model(body)) for part in _parts(body) if is_image(part))
    return [n_tokens for n_tokens in counts if n_tokens is not None]


def count_pages(body: Mapping[str, Any], counter: TokenCounter) -> tuple[int, int]:
    """(pages, tokens of the words on them) of the PDFs that stand in a body.

    A service reads the words of a page and a picture of it. How large it draws the picture is not published, so that
    what a page takes in all is not known before one was asked.
    """
    n_pages = n_tokens = 0
    for part in _parts(body):
        address = str(_dict(part.get("file", part)).get("file_data") or "")
        if part.get("type") in ("file", "input_file") and address.startswith("data:application/pdf;base64,"):
            try:
                texts = read_page_texts(b64decode(address.partition(",")[2]))
            except (Error, PdfError, MissingExtraError):
                continue
            n_pages, n_tokens = n_pages + len(texts), n_tokens + sum(map(counter.count, texts))
    return n_pages, n_tokens


def find_uncounted(body: Any) -> tuple[str, ...]:
    """Name the kinds of parts that `count_request` leaves out, such as images and files; empty where all is text.

    Examples
    --------
    >>> body = {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]}
    >>> find_uncounted(body | {"model": "gpt-6-luna"})
    ('image_url',)
    """
    body = body if isinstance(body, Mapping) else {}
    foreign = [part for part in _parts(body) if part.get("type") not in _TEXTS]
    unknown = [part for part in foreign if not is_image(part) or count_part(part, _model(body)) is None]
    return tuple(sorted({str(part.get("type")) for part in unknown}))


def iter_messages(body: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield the texts of each message, instructions first."""
    if isinstance(instructions := body.get("instructions"), str) and instructions:
        yield [instructions]
    for message in _messages(body):
        content = message.get("content")
        parts = [part for part in _list(content) if isinstance(part, Mapping)]
        texts = [content] if isinstance(content, str) else [part.get("text", part.get("refusal")) for part in parts]
        yield [text for text in [*texts, message.get("name")] if isinstance(text, str)]


def find_schema(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The form that the answer must have, with its name; empty where the request asks for free text."""
    chat = _dict(_dict(body.get("response_format")).get("json_schema"))
    form = chat or _dict(_dict(body.get("text")).get("format"))
    return {name: form[name] for name in ("name", "description", "schema") if name in form} if "schema" in form else {}


def _messages(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The messages of either tongue; a plain input is one."""
    messages = body.get("messages", body.get("input"))
    if isinstance(messages, str):
        return [{"content": messages}]
    return [message for message in _list(messages) if isinstance(message, Mapping)]


def _parts(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The parts of all messages that are made of parts."""
    contents = [_list(message.get("content")) for message in _messages(body)]
    return [part for content in contents for part in content if isinstance(part, Mapping)]


def _model(body: Mapping[str, Any]) -> str:
    return str(body.get("model", ""))


def _embeds(body: Mapping[str, Any]) -> bool:
    """Whether a body asks for embeddings: by its model, or since its input is a list of texts or of tokens."""
    inputs = body.get("input")
    plain = isinstance(inputs, list) and bool(inputs) and not any(isinstance(item, Mapping) for item in inputs)
    return plain or ("messages" not in body and str(body.get("model", "")).startswith("text-embedding"))


def _count_inputs(inputs: Any, counter: TokenCounter) -> int:
    """Tokens of what is to be embedded: a text, a list of texts, or tokens as numbers."""
    if isinstance(inputs, str):
        return counter.count(inputs)
    return sum(1 if isinstance(item, int) else _count_inputs(item, counter) for item in _list(inputs))


def _dump(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
