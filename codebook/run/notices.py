"""Tell a person that something has ended: by desktop, e-mail or chat where addresses are given, else by the bell."""

from __future__ import annotations

import logging
import os
import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from codebook.errors import how_to_install

VARIABLE = "CODEBOOK_NOTIFY"
"""The environment variable that holds the addresses, in the form of apprise. They can hold passwords."""

_PACKAGES = {
    "dbus": "dbus-python",
    "kde": "dbus-python",
    "qt": "dbus-python",
    "gnome": "PyGObject",
    "glib": "PyGObject",
}
"""What desktop notices on Linux need, by the beginning of their address."""
_NOISY = ("apprise", "urllib3.connectionpool")


def notify(title: str, text: str, urls: str | Sequence[str] | None = None) -> str:
    """Notify a person, and return what was done as a short text. It never raises, and never shows an address.

    Parameters
    ----------
    title, text
        What is said.
    urls
        Addresses in the form of the package apprise, such as `mailto://...`; those of the environment variable
        CODEBOOK_NOTIFY where not given, separated by commas or spaces.

    Examples
    --------
    >>> notify("Run topics has ended", "204 asked = 204 labelled", urls=["nonsense://"])
    'nobody was told: address 1 is not understood'
    """
    addresses = read_addresses(os.environ.get(VARIABLE, "") if urls is None else urls)
    if not addresses:
        return ring(f"{VARIABLE} is not set")
    try:
        with _silence():
            faults = _send(title, text, addresses)
    except ImportError:
        return ring(f"apprise is not installed; to mend: {how_to_install('notify')}")
    n_told = len(addresses) - len(faults)
    if not n_told:
        return f"nobody was told: {'; '.join(faults)}"
    return "; ".join([f"told {n_told} of {len(addresses)} addresses", *faults])


def read_addresses(given: str | Sequence[str]) -> list[str]:
    """Return the addresses in a text; a comma inside an address does not divide it.

    Examples
    --------
    >>> read_addresses("mailto://a.org?to=x,y, dbus://")
    ['mailto://a.org?to=x,y', 'dbus://']
    """
    texts = [given] if isinstance(given, str) else given
    parts = (part for text in texts for part in re.split(r"[\s,]+(?=[A-Za-z][A-Za-z0-9+.-]*://)", text))
    return [part.strip(" ,\t\r\n") for part in parts if part.strip(" ,\t\r\n")]


def ring(reason: str) -> str:
    """Ring the bell of the terminal, where there is one, and say why nothing else was done."""
    try:
        if not sys.stderr.isatty():
            return f"nobody was told: {reason}, and there is no terminal to ring"
        sys.stderr.write("\a")
        sys.stderr.flush()
    except (AttributeError, OSError, ValueError):  # no stderr, or a closed one
        return f"nobody was told: {reason}, and there is no terminal to ring"
    return f"rang the bell of the terminal ({reason})"


def _send(title: str, text: str, addresses: Sequence[str]) -> list[str]:
    """Tell every address by itself; return what went wrong, by the number of the address."""
    from apprise import Apprise

    faults = (_tell(Apprise(), address, title, text) for address in addresses)
    return [f"address {number} {fault}" for number, fault in enumerate(faults, start=1) if fault]


def _tell(post: Any, address: str, title: str, text: str) -> str:
    try:
        if not post.add(address):
            return _say_unusable(address.partition("://")[0].lower())
        return "" if post.notify(title=title, body=text) else "could not be told"
    except Exception as error:  # noqa: BLE001  a message may hold the address, so only its kind is said
        return f"could not be told ({type(error).__name__})"


def _say_unusable(scheme: str) -> str:
    """Why an address is not taken: nobody knows its kind, or this machine lacks what it needs."""
    from apprise.manager_plugins import NotificationManager

    manager: Any = NotificationManager
    known = manager()
    if scheme not in known or known[scheme].enabled:
        return "is not understood"
    if package := _PACKAGES.get(scheme):
        return f"({scheme}) needs the package {package}; to mend: pip install {package}"
    needs = known[scheme].requirements
    needed = needs.get("packages_required") or needs.get("details") or "see https://appriseit.com/services"
    return f"({scheme}) cannot be used on this machine: {needed}"


@contextmanager
def _silence() -> Iterator[None]:
    """Keep packages from writing addresses into logs and warnings meanwhile."""
    loggers = [logging.getLogger(name) for name in _NOISY]
    before = [logger.disabled for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.disabled = True
        try:
            yield
        finally:
            for logger, disabled in zip(loggers, before, strict=True):
                logger.disabled = disabled
