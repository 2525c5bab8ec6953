"""The server of the coding form for some coders: starts, says each one's address, and ends in order."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from threading import Thread
from typing import Any, Self

import orjson

from codebook.coding.assignments import FOLDER, read_assignment
from codebook.coding.coding_log import ADJUDICATION
from codebook.coding.deciding.adjudicating import open_adjudication
from codebook.coding.form import form_script, form_style
from codebook.coding.serving.desks import Desk, Opener
from codebook.coding.serving.doorkeeper import Doorkeeper, Place
from codebook.coding.serving.form_requests import FormRequests, Listener, WideListener
from codebook.coding.session_opening import open_session
from codebook.coding.sessions.session import CodingSession
from codebook.coding.sessions.unit_sources import SourceMaker
from codebook.errors import Fault, MachineError, ParameterError
from codebook.files.lines import write_atomic
from codebook.outputs.templating import render
from codebook.paths import make_private, resolve_path, settings_folder


class FormServer:
    """Serves the coding form to coders, each at an address of their own.

    In a `with` block it answers in a thread of its own; `serve` answers until the program is stopped.

    Parameters
    ----------
    openers
        For each coder, what opens the session.
    place
        Where it is served: this machine alone, unless it says more.
    folder
        The coding folder: its addresses stay the same from one start to the next.
    renew
        Give new addresses; the old ones open nothing any more.
    needs_all
        Raise where a coder's work cannot be opened; else that one is left out, if there are others.

    Attributes
    ----------
    left_out : dict of str
        Why a coder is not served.

    Raises
    ------
    ParameterError
        The place is not allowed, or a coder has nothing to code.
    MachineError
        The port is taken, or the host is not of this machine.
    """

    def __init__(
        self,
        openers: Mapping[str, Opener],
        place: Place | None = None,
        *,
        folder: str | Path = FOLDER,
        renew: bool = False,
        needs_all: bool = True,
    ) -> None:
        self.place, where = place or Place(), resolve_path(folder)
        self.place.check()
        known = read_addresses(where, openers, renew=renew)
        self.tokens = known.tokens
        self.desks: dict[str, Desk] = {}
        self._thread: Thread | None = None
        with ExitStack() as opened:
            listener = self._listener = opened.enter_context(_listen(self.place, known.port))
            self.port = int(listener.server_address[1])
            listener.assets = _read_assets()
            listener.desks = self.desks
            self.left_out = self._open_desks(openers, opened, needs_all)
            served = {coder: known.tokens[coder] for coder in self.desks}
            listener.doorkeeper = Doorkeeper(served, self.place, self.port)
            keep_addresses(where, CoderAddresses(self.port, known.tokens), renew=renew)
            self._opened = opened.pop_all()

    def _open_desks(self, openers: Mapping[str, Opener], opened: ExitStack, needs_all: bool) -> dict[str, str]:
        """Open the coders' work; return why that of some cannot be."""
        errors: dict[str, ParameterError] = {}
        for coder, opener in openers.items():
            try:
                self.desks[coder] = desk = Desk(opener)
                opened.callback(desk.close)
            except ParameterError as error:
                errors[coder] = error
        if errors and (needs_all or not self.desks):
            faults = [fault for error in errors.values() for fault in error.faults]
            raise ParameterError("The form cannot be served.", faults)
        return {coder: str(error) for coder, error in errors.items()}

    @property
    def addresses(self) -> dict[str, str]:
        """The address of each coder; what follows `#` is the token, which a browser sends to no log."""
        host = f"[{self.place.host}]" if ":" in self.place.host else self.place.host
        base = self.place.public.rstrip("/") or f"http://{host}:{self.port}"
        return {coder: f"{base}/#{token}" for coder, token in self.tokens.items() if coder in self.desks}

    def serve(self) -> None:
        """Answer until the program is stopped."""
        self._listener.serve_forever(poll_interval=0.1)

    def close(self) -> None:
        """Take no more requests, end the acts that are being done, and let go of the logs."""
        if self._thread:
            self._listener.shutdown()
            self._thread.join()
        self._opened.close()

    def __enter__(self) -> Self:
        """Answer in a thread of its own."""
        self._thread = Thread(target=self.serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def serve_coders(
    coders: Sequence[str] = (),
    place: Place | None = None,
    *,
    folder: str | Path = FOLDER,
    round_name: str = "main",
    renew: bool = False,
) -> FormServer:
    """Return a server of the coding form: for the coders that are named, or for all whose round is open.

    Raises
    ------
    ParameterError
        There is no assignment, the place is not allowed, or a coder who is named has nothing to code.
    MachineError
        The port is taken, or the host is not of this machine.

    Examples
    --------
    >>> with serve_coders(["ann"]) as server:  # doctest: +SKIP
    ...     print(server.addresses["ann"])
    """
    if round_name == ADJUDICATION and not coders:
        fault = Fault("coder", "it is not said who decides", "name a person: `codebook code --adjudicator NAME`")
        raise ParameterError("The form cannot be served.", [fault])
    names = coders or read_assignment(resolve_path(folder)).coders
    openers = {name: partial(_open, name, folder, round_name) for name in names}
    return FormServer(openers, place, folder=folder, renew=renew, needs_all=bool(coders))


def serve_adjudication(
    by: str, place: Place | None = None, *, folder: str | Path = FOLDER, variable: str = "", renew: bool = False
) -> FormServer:
    """Return a server of the form to one person who decides where coders differ; the parameters are as elsewhere.

    Raises
    ------
    ParameterError
        There is no assignment, no such variable, or the place is not allowed.
    MachineError
        The port is taken, or the host is not of this machine.
    """

    def opener(_: SourceMaker) -> CodingSession:
        return open_adjudication(by, folder, variable=variable)

    return FormServer({by: opener}, place, folder=folder, renew=renew)


def _open(coder: str, folder: str | Path, round_name: str, sources: SourceMaker) -> CodingSession:
    return open_session(coder, folder, round_name=round_name, sources=sources)


def _listen(place: Place, last_port: int) -> Listener:
    """Listen at the port that is wanted; else at that of last time, or a free one."""
    if not place.port and last_port:
        with suppress(OSError):
            return _bind(place.host, last_port)
    try:
        return _bind(place.host, place.port)
    except OSError as error:
        where, reason = f"{place.host}, port {place.port or 'any'}", error.strerror or str(error)
        mend = "leave out --port to use a free port, and --host to use this computer"
        raise MachineError(f"The form cannot be served at {where} ({reason}). To mend: {mend}.") from error


def _bind(host: str, port: int) -> Listener:
    return (WideListener if ":" in host else Listener)((host, port), FormRequests)


def _read_assets() -> dict[str, bytes]:
    """All that is served beside the views: two pages, the form, and what carries its messages."""
    room = files("codebook.coding.serving")
    assets = {name: (room / name).read_bytes() for name in ("door.js", "page.js", "page.css")}
    assets |= {"form.js": form_script().encode(), "form.css": form_style().encode()}
    return assets | {f"{name}.html": render(f"{name}.html.j2").encode() for name in ("coder_door", "coder_page")}


FILE = "coder_addresses.json"
"""The tokens and the port of each coding folder, among a person's own settings, for its owner alone: addresses stay."""


@dataclass(frozen=True, slots=True)
class CoderAddresses:
    """The port that was taken last (0: none yet), and the token of each coder."""

    port: int
    tokens: dict[str, str]


def read_addresses(folder: Path, coders: Iterable[str], *, renew: bool = False) -> CoderAddresses:
    """Return the port and tokens for a coding folder; a coder who has no token gets one.

    With `renew`, all get new ones, and the old addresses open nothing any more.
    """
    entry = _read_all().get(_name(folder), {})
    tokens = {} if renew else entry.get("tokens", {})
    return CoderAddresses(
        entry.get("port", 0), {name: tokens.get(name) or secrets.token_urlsafe(32) for name in coders}
    )


def keep_addresses(folder: Path, addresses: CoderAddresses, *, renew: bool = False) -> None:
    """Keep them for the next start; where a person's settings cannot be written, they hold until the server ends."""
    entries = _read_all()
    before = {} if renew else entries.get(_name(folder), {}).get("tokens", {})
    entries[_name(folder)] = {"port": addresses.port, "tokens": {**before, **addresses.tokens}}
    with suppress(OSError), write_atomic(make_private(settings_folder()) / FILE) as file:
        os.fchmod(file.fileno(), 0o600) if hasattr(os, "fchmod") else None
        file.write(orjson.dumps(entries))


def _read_all() -> dict[str, Any]:
    with suppress(OSError, orjson.JSONDecodeError):
        entries = orjson.loads((settings_folder() / FILE).read_bytes())
        return entries if isinstance(entries, dict) else {}
    return {}


def _name(folder: Path) -> str:
    return hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
