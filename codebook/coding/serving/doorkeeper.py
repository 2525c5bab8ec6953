"""Who may come in: requests that name this server, from its own pages, with the token of one coder."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from codebook.errors import Fault, ParameterError

COOKIE = "codebook_coder"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the form is served.

    Attributes
    ----------
    host, port
        The address that is listened at; port 0 takes a free one.
    public
        The address under which a reverse proxy shows it, such as https://coding.example.edu/study/.
    open_to_network
        Allow a host beyond this machine.
    """

    host: str = "127.0.0.1"
    port: int = 0
    public: str = ""
    open_to_network: bool = False

    def check(self) -> None:
        """Raise what is wrong with the place, all faults at once.

        Raises
        ------
        ParameterError
            The host is beyond this machine without leave, the port is none, or the public address is none.
        """
        faults = [] if self.open_to_network or is_loopback(self.host) else [_too_open(self.host)]
        if not 0 <= self.port <= 65535:
            faults.append(
                Fault("port", f"{self.port} is not a port", "give a number from 1024 to 65535, or leave it out")
            )
        parts = urlsplit(self.public)
        if self.public and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query):
            mend = "write it as https://coding.example.edu/study/"
            faults.append(Fault("public address", f"{self.public!r} is not a web address", mend))
        ParameterError.raise_any("The form cannot be served like this.", faults)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a host.

    Examples
    --------
    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "192.168.0.7", "", "a.example")]
    [True, True, True, False, False, False, False]
    """
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _too_open(host: str) -> Fault:
    mend = "leave it out, so that only this computer reaches the form; or add --open-to-network if everybody may"
    return Fault("host", f"everybody on the network can reach {host or 'it'}, and texts travel unencrypted", mend)


class Doorkeeper:
    """Judges requests: is this server meant, does one of its own pages ask, and which coder is it?

    Every coder has a room, an address of its own that says nothing of the name; the cookie is sent to that room alone,
    so that one browser may hold the pages of several coders.
    """

    def __init__(self, tokens: Mapping[str, str], place: Place, port: int) -> None:
        self._tokens = {name_room(token): (coder, token.encode()) for coder, token in tokens.items()}
        self._place, self._port, self._public = place, port, urlsplit(place.public)

    def knows_host(self, host: str) -> bool:
        """Whether a request names this server; a name that a stranger lets point here does not."""
        try:
            parts = urlsplit(f"//{host}")
            name, port = parts.hostname or "", parts.port or 80
        except ValueError:
            return False
        if self._is_public_host(host):
            return True
        return (
            port == self._port
            and "@" not in host
            and (is_loopback(name) or (self._place.open_to_network and _is_here(name)))
        )

    def knows_origin(self, origin: str, host: str) -> bool:
        """Whether a page of this server asks."""
        direct = not self._is_public_host(host) and origin.lower() == f"http://{host}".lower()
        return direct or self.is_public(origin)

    def _is_public_host(self, host: str) -> bool:
        return bool(self._public.netloc) and host.lower() == self._public.netloc.lower()

    def is_public(self, origin: str) -> bool:
        """Whether a request comes by the public address."""
        return bool(self._public.netloc) and origin.lower() == f"{self._public.scheme}://{self._public.netloc}".lower()

    def find_room(self, token: str) -> str:
        """The room that a token opens, or ""."""
        matches = [room for room, (_, secret) in self._tokens.items() if hmac.compare_digest(secret, token.encode())]
        return matches[0] if matches else ""

    def make_cookie(self, room: str, origin: str) -> str:
        """What the browser is told to keep: no script reads it, and no other site sends it."""
        public = self.is_public(origin)
        path = f"{self._public.path.rstrip('/') if public else ''}/coder/{room}/"
        secure = "; Secure" if public and self._public.scheme == "https" else ""
        return f"{COOKIE}={self._tokens[room][1].decode()}; Path={path}; HttpOnly; SameSite=Strict{secure}"

    def find_coder(self, room: str, cookies: str) -> str:
        """The coder whose room it is, where the cookie is that coder's; else ""."""
        coder, token = self._tokens.get(room, ("", b"no such room"))
        try:
            cookie = SimpleCookie(cookies).get(COOKIE)
        except CookieError:
            return ""
        return coder if cookie and hmac.compare_digest(token, cookie.value.encode()) else ""


def name_room(token: str) -> str:
    """The part of an address that leads to a coder's pages; it tells neither the name nor the token."""
    return hashlib.sha256(f"room {token}".encode()).hexdigest()[:16]


def _is_here(name: str) -> bool:
    """Whether a host is written as numbers, which no stranger can let point elsewhere, or is this machine's name."""
    try:
        return bool(ipaddress.ip_address(name))
    except ValueError:
        return name.lower() in {socket.gethostname().lower(), socket.getfqdn().lower()}
