"""A coder's browser in a few lines: enters by an address, keeps its cookie, and sends what the form sends."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

SEEN_MS = 500
"""How long a unit was looked at before it was decided."""


class FormClient:
    """One window of one coder. `headers` go before those that a browser sends."""

    def __init__(self, address: str, window: str = "first", timeout: float = 60) -> None:
        parts = urlsplit(address)
        assert parts.hostname
        assert parts.port
        self.host, self.port, self.token, self.window = parts.hostname, parts.port, parts.fragment, window
        self.connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        self.base, self.cookie, self.seq, self.view = "/", "", 0, dict[str, Any]()

    def ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str | None] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of an answer; a header that is None is left out."""
        near = f"{self.host}:{self.port}"
        sent: dict[str, str | None] = {"Host": near, "Cookie": self.cookie or None}
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if method == "POST":
            sent |= {
                "Origin": f"http://{near}",
                "Content-Type": "application/json",
                "Content-Length": str(len(data or b"")),
            }
        self.connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in (sent | dict(headers or {})).items():
            if value is not None:
                self.connection.putheader(name, value)
        try:
            self.connection.endheaders(data)
            answer = self.connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            self.connection.close()

    def enter(self) -> FormClient:
        """Show the token, as the first page does, and go on to the coder's page."""
        status, headers, body = self.ask("POST", "/enter", {"token": self.token})
        assert status == 200, status
        self.cookie = headers["set-cookie"].partition(";")[0]
        self.base = f"/{json.loads(body)['page']}"
        return self

    def post(self, name: str, **content: object) -> dict[str, Any]:
        """What the page asks of the server; the answer is the view."""
        status, _, body = self.ask("POST", f"{self.base}{name}", {"window": self.window, **content})
        assert status == 200, status
        self.view = json.loads(body)
        return self.view

    def open(self) -> dict[str, Any]:
        """The page is loaded."""
        return self.post("open")

    def act(self, act: str, *, shown_ms: int = SEEN_MS, token: str | None = None, **content: object) -> dict[str, Any]:
        """One act on the unit that is shown."""
        self.seq += 1
        unit = self.view.get("unit") or {}
        message = {"seq": self.seq, "token": unit.get("token", "") if token is None else token, "shown_ms": shown_ms}
        return self.post("act", message={**message, "act": act, **content})
