"""A person is told once what has become of a run: by desktop, e-mail or chat, or else by the bell of the terminal."""

from __future__ import annotations

import logging
import os
import re
import sys
import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from codebook.errors import how_to_install
from codebook.ground.quantities import say_count
from codebook.ledger import Ledger
from codebook.run.state import RunStatus

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
    return "; ".join([f"{n_told} of {len(addresses)} addresses were told", *faults])


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


_TOLD = "told"


class News(NamedTuple):
    """What a person may be told of a run: of `records.OCCASIONS`, the name by which it is told once, and the words."""

    occasion: str
    name: str
    title: str
    text: str


def announce(ledger: Ledger, status: RunStatus, occasions: Collection[str]) -> list[str]:
    """Tell what is new of a run, as far as a person wants to know it; return what came of it, where addresses are set.

    Each is noted before it is told: a notice may be lost in a crash, and is never repeated.
    """
    known = {what for _, verb, what in ledger.events(status.run) if verb == _TOLD}
    notices = []
    for news in list_news(status):
        if news.occasion in occasions and news.name not in known:
            ledger.note_event(status.run, _TOLD, news.name)
            notices.append(tell(news.title, news.text))
    return [notice for notice in notices if notice]


def tell(title: str, text: str) -> str:
    """Notify a person; return what came of it, or nothing where no address was given."""
    outcome = notify(title, text)
    return f"notice ({title}): {outcome}" if os.environ.get(VARIABLE, "").strip() else ""


def list_news(status: RunStatus) -> Iterator[News]:
    """Yield what there is to tell of a run."""
    shards = say_count(len(status.jobs), "shard")
    for job in status.jobs:
        of = f"shard {job.shard} of run {status.run}"
        if job.state in ("failed", "expired"):
            yield News(job.state, f"{job.state}: shard {job.shard}", f"codebook: {of} has {job.state}", job.sentence)
        if job.late:
            text = f"{job.sentence}. {status.advice}"
            yield News("late", f"late: shard {job.shard}", f"codebook: {of} is late", text)
    if status.done and status.jobs:
        yield News("done", f"done: {shards}", f"codebook: run {status.run} has ended", f"{status.sentence}")
    elif status.jobs and all(job.ended for job in status.jobs):
        text = f"{status.progress}. Next: codebook collect {status.run}."
        yield News("done", f"ended: {shards}", f"codebook: run {status.run} has ended at the service", text)
