"""One coder's desk: the session behind all windows of that coder. One window writes; each act is done once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from codebook.coding.serving.picture_shelf import PictureShelf
from codebook.coding.sessions.session import CodingSession
from codebook.coding.sessions.unit_sources import SourceMaker
from codebook.records import FilePart

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
