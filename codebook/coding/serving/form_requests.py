"""What a browser may ask the server of the form, and what it is answered. No request names a file."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET6
from socketserver import TCPServer
from typing import Any

import orjson

from codebook.coding.serving.desks import ClosedError, Desk
from codebook.coding.serving.doorkeeper import Doorkeeper
from codebook.ground import logbook

MAX_BYTES = 1_000_000
"""Of what a page may send at once: an answer with many passages, or the text of a page."""
SILENCE_S = 60
"""A connection that says nothing for so long is closed; a browser opens another one."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_KINDS = {"html": "text/html", "js": "text/javascript", "css": "text/css"}
JSON = "application/json"
LOCKED = "This page opens only with the complete address that you were given. Ask the person who runs the study for it."


class RefusedError(Exception):
    """A request is not answered; the status says why."""

    def __init__(self, status: HTTPStatus) -> None:
        self.status = status


class Listener(ThreadingHTTPServer):
    """What listens: a thread a connection, and what its requests may reach."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128
    doorkeeper: Doorkeeper
    assets: Mapping[str, bytes]
    desks: Mapping[str, Desk]

    def server_bind(self) -> None:
        """Take the address, and look up no name for it, which may take long."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep the traceback of a fault of the kit; a browser that goes away is none."""
        error = sys.exception()
        if error and not isinstance(error, ConnectionError | TimeoutError):
            logbook.keep_traceback("codebook code", "".join(traceback.format_exception(error)))


class WideListener(Listener):
    """Listens at an address of IPv6."""

    address_family = AF_INET6


class FormRequests(BaseHTTPRequestHandler):
    """Answers one connection. Nothing is noted of what is asked, since the address of a request may hold a secret."""

    server: Listener
    protocol_version = default_request_version = "HTTP/1.1"
    timeout = SILENCE_S
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """The page where a token is shown, or what belongs to a coder's page."""
        self._answer(self._get)

    def do_POST(self) -> None:
        """A token that opens a room, or what a coder's page sends."""
        self._answer(self._post)

    def _answer(self, work: Any) -> None:
        try:
            hosts = self.headers.get_all("Host", [])
            if len(hosts) != 1 or not self.server.doorkeeper.knows_host(hosts[0]):
                raise RefusedError(HTTPStatus.MISDIRECTED_REQUEST)
            work()
        except RefusedError as refused:
            self.send_error(refused.status)
        except ClosedError:
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE)

    def _get(self) -> None:
        room, name = self._split()
        if not room and name in ("", "door.js", "page.css"):
            self._send_asset(name or "coder_door.html")
            return
        desk = self._find_desk(room)
        if name == "view":
            self._send_json(desk.look(self.headers.get("X-Window", "")))
        elif name.startswith("picture/"):
            self._send_picture(desk, name.removeprefix("picture/"))
        else:
            self._send_asset(name or "coder_page.html")

    def _post(self) -> None:
        body = self._read_body()
        room, name = self._split()
        if (room, name) == ("", "enter"):
            self._enter(body)
            return
        desk, window = self._find_desk(room), body.get("window")
        if not isinstance(window, str) or not 0 < len(window) <= 64:
            raise RefusedError(HTTPStatus.BAD_REQUEST)
        if name == "open":
            self._send_json(desk.open(window))
        elif name == "act":
            self._send_json(desk.act(window, _check_message(body.get("message"))))
        else:
            raise RefusedError(HTTPStatus.NOT_FOUND)

    def _enter(self, body: Mapping[str, Any]) -> None:
        """Let a coder in who has a token: the cookie is set, and the page is told where to go."""
        keeper = self.server.doorkeeper
        if not (room := keeper.find_room(str(body.get("token", "")))):
            raise RefusedError(HTTPStatus.FORBIDDEN)
        cookie = keeper.make_cookie(room, self.headers.get("Origin", ""))
        self._send_json({"page": f"coder/{room}/"}, {"Set-Cookie": cookie})

    def _split(self) -> tuple[str, str]:
        """The room and the name that an address leads to: /coder/ROOM/NAME, or /NAME."""
        path = self.path.partition("?")[0]
        if not path.startswith("/coder/"):
            return "", path.removeprefix("/")
        room, slash, name = path.removeprefix("/coder/").partition("/")
        if not slash:
            raise RefusedError(HTTPStatus.NOT_FOUND)
        return room, name

    def _find_desk(self, room: str) -> Desk:
        coder = self.server.doorkeeper.find_coder(room, self.headers.get("Cookie", ""))
        if not coder:
            raise RefusedError(HTTPStatus.FORBIDDEN)
        return self.server.desks[coder]

    def _read_body(self) -> dict[str, Any]:
        """The JSON that one of our own pages sends."""
        origin, host = self.headers.get("Origin", ""), self.headers.get("Host", "")
        if not self.server.doorkeeper.knows_origin(origin, host):
            raise RefusedError(HTTPStatus.FORBIDDEN)
        if self.headers.get_content_type() != JSON:
            raise RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit() and len(length) < 20):
            raise RefusedError(HTTPStatus.LENGTH_REQUIRED)
        if int(length) > MAX_BYTES:
            self._pass_over(int(length))
            raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        data = self.rfile.read(int(length))
        try:
            body = orjson.loads(data)
        except orjson.JSONDecodeError:  # cut off on the way, too
            raise RefusedError(HTTPStatus.BAD_REQUEST) from None
        if not isinstance(body, dict):
            raise RefusedError(HTTPStatus.BAD_REQUEST)
        return body

    def _pass_over(self, length: int) -> None:
        """Take in what is too large, within reason, so that the browser hears the answer."""
        left = min(length, 16 * MAX_BYTES)
        while left > 0 and (part := self.rfile.read(min(left, 1 << 16))):
            left -= len(part)

    def _send_asset(self, name: str) -> None:
        if name not in self.server.assets:
            raise RefusedError(HTTPStatus.NOT_FOUND)
        self._send(HTTPStatus.OK, f"{_KINDS[name.rpartition('.')[2]]}; charset=utf-8", self.server.assets[name])

    def _send_picture(self, desk: Desk, name: str) -> None:
        if not (part := desk.find_picture(name)):
            raise RefusedError(HTTPStatus.NOT_FOUND)
        self._send(HTTPStatus.OK, part.media_type, part.data)

    def _send_json(self, value: object, headers: Mapping[str, str] | None = None) -> None:
        self._send(HTTPStatus.OK, JSON, orjson.dumps(value), headers)

    def _send(self, status: HTTPStatus, kind: str, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Send head and body; they wait for each other in `wfile`, so that they leave in one piece."""
        self.send_response(status)
        content = {"Content-Type": kind, "Content-Length": str(len(body))}
        for name, value in {**content, **_HEADERS, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse in a word, and end the connection, since what follows on it was not read."""
        self.close_connection = True
        words = LOCKED if code == HTTPStatus.FORBIDDEN else HTTPStatus(code).phrase
        self._send(HTTPStatus(code), "text/plain; charset=utf-8", words.encode(), {"Connection": "close"})

    def version_string(self) -> str:
        """What the server calls itself: no versions."""
        return "codebook"

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


def _check_message(message: Any) -> dict[str, Any]:
    """A message as the session takes it: its number, and what is to be done."""
    if not isinstance(message, dict) or not isinstance(message.get("act"), str):
        raise RefusedError(HTTPStatus.BAD_REQUEST)
    seq = message.get("seq")
    if not isinstance(seq, int) or isinstance(seq, bool) or seq < 1:
        raise RefusedError(HTTPStatus.BAD_REQUEST)
    return message
