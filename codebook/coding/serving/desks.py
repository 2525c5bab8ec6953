"""One coder's desk: the session behind all windows of that coder. One window writes; each act is done once."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from codebook.coding.sessions.session import CodingSession
from codebook.coding.sessions.unit_sources import SourceMaker, make_blocks
from codebook.records import FilePart, Unit

Opener = Callable[[SourceMaker], CodingSession]
"""Opens a coder's session, with what gives the files of a unit their addresses."""
ELSEWHERE = (
    "This work was opened in another window, so nothing is saved in this one. To continue here, reload this page."
)


class ClosedError(Exception):
    """The desk was closed, so that nothing can be done at it any more."""


class Desk:
    """The session of one coder, for all windows that show it; calls come one after the other.

    The window that was opened last writes. An older one is shown what is there, and told so. A message that comes
    again, since its answer was lost on the way, is answered and not done again.
    """

    def __init__(self, opener: Opener) -> None:
        self._opener, self._lock, self._shelf = opener, threading.Lock(), PictureShelf()
        self._session = opener(self._shelf)
        self._window, self._closed = "", False
        self._answer: dict[str, Any] = {"ack": 0}

    @property
    def remark(self) -> str:
        """What a person should know of the log, such as that another program holds it; empty where nothing is."""
        return self._session.log.remark

    def open(self, window: str) -> dict[str, Any]:
        """Let a window write from now on, and return its first view, with the codebook."""
        with self._lock:
            if self._closed:
                raise ClosedError
            if self._session.log.read_only:
                self._session.close()  # whoever held the log may have let go of it
                self._session = self._opener(self._shelf)
            self._window, self._answer = window, self._session.view()
            return self._answer

    def look(self, window: str) -> dict[str, Any]:
        """What is shown now; changes nothing."""
        with self._lock:
            return self._show(window)

    def act(self, window: str, message: Mapping[str, Any]) -> dict[str, Any]:
        """Do what a message of a window says, once, and return what is shown next."""
        with self._lock:
            seq = message["seq"]
            self._window = self._window or window  # the server died and came back: the window was there before
            if self._closed:
                raise ClosedError
            if window != self._window:
                elsewhere = {"kind": "refused", "text": ELSEWHERE}
                return {**self._show(window), "ack": seq, "message": elsewhere}
            if seq != self._answer["ack"]:
                self._answer = self._session.act({**message, "client": window})
            return self._answer

    def find_picture(self, name: str) -> FilePart | None:
        """An image or page of a unit that was shown lately."""
        return self._shelf.find(name)

    def close(self) -> None:
        """Let go of the coder's log, after the act that is being done."""
        with self._lock:
            self._closed = True
            self._session.close()

    def _show(self, window: str) -> dict[str, Any]:
        view = self._session.view(codebook=False)
        return {**view, "read_only": view["read_only"] or window != (self._window or window)}


N_UNITS = 8
"""Units whose pictures are held: the one that is shown, and some that a coder goes back to."""
OUTSIDE = "This picture is not on this computer, so the page does not show it: {}"


class PictureShelf:
    """Makes the blocks of a unit's files once, and finds a picture by the name that it gave it."""

    def __init__(self) -> None:
        self._blocks: OrderedDict[str, list[dict[str, Any]]] = OrderedDict()
        self._parts: dict[str, dict[str, FilePart]] = {}

    def __call__(self, unit: Unit) -> list[dict[str, Any]]:
        """The blocks of a unit's files."""
        if unit.unit_id not in self._blocks:
            parts: dict[str, FilePart] = {}
            self._parts[unit.unit_id] = parts
            blocks = make_blocks(unit, lambda _, part: self._put(part, parts))
            self._blocks[unit.unit_id] = [_keep_inside(block) for block in blocks]
        self._blocks.move_to_end(unit.unit_id)
        while len(self._blocks) > N_UNITS:
            self._parts.pop(self._blocks.popitem(last=False)[0])
        return self._blocks[unit.unit_id]

    def find(self, name: str) -> FilePart | None:
        """The picture of that name, while it is held."""
        return next((parts[name] for parts in list(self._parts.values()) if name in parts), None)

    @staticmethod
    def _put(part: FilePart, parts: dict[str, FilePart]) -> str:
        if part.url:
            return part.url
        name = hashlib.sha256(part.data).hexdigest()[:32]
        parts[name] = part
        return f"picture/{name}"


def _keep_inside(block: dict[str, Any]) -> dict[str, Any]:
    """A block whose source is an address elsewhere says so instead."""
    source = block.get("source", "picture/")
    return block if source.startswith("picture/") else {"type": "text", "text": OUTSIDE.format(source), "fault": True}
