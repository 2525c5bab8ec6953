"""Codebook and units become requests: one a unit, variable and draw, named so that a rerun names them the same."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from itertools import count
from typing import TYPE_CHECKING, Any

import orjson

from codebook.files.lines import dump_canonical, escape_ends
from codebook.ground.personal import looks_personal
from codebook.records import CHAT, Request, Unit
from codebook.tasks import Question

if TYPE_CHECKING:
    from hashlib import _Hash

_replace_foreign, _is_plain = re.compile("[^A-Za-z0-9_-]").sub, re.compile("[A-Za-z0-9_-]+").fullmatch
_PAIRS = [first + two for first in "abcdefghijklmnopqrstuvwxyz234567" for two in "abcdefghijklmnopqrstuvwxyz234567"]
_N_BEGUN = 4_096
_HIDDEN = "x"
"""What stands in a custom_id for the id of a unit that is not shown."""


def make_custom_id(unit_id: str, variable: str, draw: int = 0, *, salt: str = "") -> str:
    """Name a request: readable, ASCII, at most 64 characters, the same in every run.

    Variable, unit and draw can be read off it where they are short and plain; the 12 characters at its end (60 bits of
    SHA-256) tell apart what shortening made alike. An id that looks personal is not shown.

    Parameters
    ----------
    salt
        For a private study: something that a service does not know. No id is shown then, and who knows an id cannot
        find its request.

    Examples
    --------
    >>> make_custom_id("1523", "topic")
    'topic.1523.0.2q7x5rn5d3dp'
    >>> make_custom_id("ann@example.org", "topic"), make_custom_id("1523", "topic", salt="what nobody knows")
    ('topic.x.0.xjqqdzs2i4x3', 'topic.x.0.2uyzrsywxe2d')
    >>> len(make_custom_id("https://example.org/" + "x" * 500, "v" * 40, 12)) <= 64
    True
    """
    hashed = f"{variable}\0{unit_id}\0{draw}" + (f"\0{salt}" if salt else "")
    whole = int.from_bytes(hashlib.sha256(hashed.encode()).digest()[:8])
    upper, two = whole >> 34, whole >> 4 & 0x3FFF_FFFF  # 30 bits each: Python is faster with numbers of that size
    if not salt and _is_plain(unit_id):
        part = unit_id[:26]
    else:
        part = _HIDDEN if salt or looks_personal(unit_id) else _replace_foreign("-", unit_id[:26])
    return (
        f"{variable[:16]}.{part}.{draw}."
        f"{_PAIRS[upper >> 20]}{_PAIRS[upper >> 10 & 0x3FF]}{_PAIRS[upper & 0x3FF]}"
        f"{_PAIRS[two >> 20]}{_PAIRS[two >> 10 & 0x3FF]}{_PAIRS[two & 0x3FF]}"
    )


class RequestMaker:
    """Makes the requests about any unit. All that does not depend on the unit is encoded and hashed once, here.

    Parameters
    ----------
    questions
        From `codebook.tasks.make_questions`.
    draws
        How often each question is asked. Each draw has a key of its own, so that it is really asked again.
    settings
        Further fields of the request body, such as `temperature` or `max_completion_tokens`.
    salt
        As of `make_custom_id`.

    Raises
    ------
    ParameterError
        The settings would overwrite a part of the question.

    Examples
    --------
    >>> from codebook.scheme import parse_codebook
    >>> from codebook.tasks import make_questions
    >>> book = parse_codebook('''
    ... name: tone
    ... unit: a headline
    ... variables:
    ...   - {name: tone, question: "Which tone?", kind: single, level: nominal, categories: [good, bad]}
    ... ''')
    >>> maker = RequestMaker(make_questions(book), model="m", draws=2)
    >>> [request.custom_id for request in maker.ask(Unit("7", "Coal is cheap."))]
    ['tone.7.0.nahbllbnwhvy', 'tone.7.1.ss62e4tmv725']
    """

    def __init__(
        self,
        questions: Mapping[str, Question],
        *,
        model: str,
        url: str = CHAT,
        draws: int = 1,
        settings: Mapping[str, Any] | None = None,
        salt: str = "",
    ) -> None:
        self.url, self.salt = url, salt
        self._asked = {
            name: (question, _Template(question, model, url, draws, settings)) for name, question in questions.items()
        }

    def ask(self, unit: Unit) -> Iterator[Request]:
        """Yield the requests about one unit: one a variable and draw."""
        for name, (question, template) in self._asked.items():
            user = dump_canonical(question.write_content(unit, self.url))
            body = template.fill(user)
            for draw, key in enumerate(template.make_keys(user)):
                custom_id = make_custom_id(unit.unit_id, name, draw, salt=self.salt)
                yield Request(custom_id, key, self.url, body, unit.unit_id, name, draw)


class _Template:
    """A request's body around the message about the unit, in the two forms it is needed in.

    It is sent as written, since a model answers in the order of the schema; only the key is taken of the canonical
    form. What stands before the message is hashed once for each length that a body has, since the length comes first.
    """

    def __init__(
        self, question: Question, model: str, url: str, draws: int, settings: Mapping[str, Any] | None
    ) -> None:
        for number in count():
            mark = f"\0{number}"
            body = question.write_body(mark, url, model, settings or {})
            parts = [whole.split(orjson.dumps(mark)) for whole in (orjson.dumps(body), dump_canonical(body))]
            if [len(part) for part in parts] == [2, 2]:  # else the codebook itself has the mark
                break
        (self._head, self._tail), (self._key_head, self._key_tail) = map(escape_ends, parts[0]), parts[1]
        self._ends = [b"%b%d:%d" % (self._key_tail, len(str(draw)), draw) for draw in range(draws)]
        self._url = url.encode()
        self._begun: dict[int, _Hash] = {}

    def fill(self, user: bytes) -> bytes:
        """The body as it is sent, about the unit in this message (canonical JSON)."""
        return b"".join((self._head, escape_ends(user), self._tail))

    def make_keys(self, user: bytes) -> list[str]:
        """`records.request_key` of each draw."""
        begun = (self._begun.get(len(user)) or self._begin(len(user))).copy()
        begun.update(user)
        keys = []
        for end in self._ends:
            state = begun.copy() if len(self._ends) > 1 else begun
            state.update(end)
            keys.append(state.hexdigest())
        return keys

    def _begin(self, n_user: int) -> _Hash:
        """The hash of all that comes before a message of so many bytes."""
        n_bytes = len(self._key_head) + n_user + len(self._key_tail)
        begun = hashlib.sha256(b"%d:%b%d:%b" % (len(self._url), self._url, n_bytes, self._key_head))
        if len(self._begun) >= _N_BEGUN:
            self._begun.clear()
        self._begun[n_user] = begun
        return begun
