"""The command `code`: people code in the browser, each at an address of their own, until it is stopped."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from codebook.cli.options import find_coding_folder, say

if TYPE_CHECKING:
    from codebook.coding.serving.form_server import FormServer

OPEN = (
    "Warning: others on the network reach this form at {host}, and everything goes over it unencrypted, the texts and "
    "the addresses too. Put it behind a server that speaks https instead: docs/howto/code_with_people.md."
)


@click.command()
@click.option(
    "--coder", "coders", multiple=True, metavar="NAME", help="A coder; may be repeated. All coders where none is named."
)
@click.option("--adjudicator", default="", metavar="NAME", help="Who decides where coders differ, in place of coding.")
@click.option("--round", "round_name", default="main", show_default=True, help="Round of the assignment.")
@click.option("--folder", default="", help="The coding folder; that of the study where none is named.")
@click.option("--open", "opens", is_flag=True, help="Open the browser, too.")
@click.option("--port", default=0, metavar="N", help="Port; that of last time or a free one where none is given.")
@click.option("--public-address", "public", default="", metavar="ADDRESS", help="Where a reverse proxy shows it.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where it listens: this machine alone.")
@click.option("--open-to-network", is_flag=True, help="Allow a host that others on the network reach.")
@click.option("--new-addresses", "renew", is_flag=True, help="Give new addresses; the old ones open nothing.")
def code(
    coders: tuple[str, ...],
    adjudicator: str,
    round_name: str,
    folder: str,
    opens: bool,
    renew: bool,
    **place: str | int | bool,
) -> None:
    """Let people code in the browser: each has an address of one's own, and sees nobody else's labels.

    It is for this machine alone, unless you say otherwise. Every act is on disk before the next unit is shown. Ctrl-C
    ends it. The addresses stay the same the next time.
    """
    from codebook.coding.serving.doorkeeper import Place
    from codebook.coding.serving.form_server import serve_adjudication, serve_coders

    if adjudicator and coders:
        raise click.UsageError("Give --coder, or --adjudicator.")
    where, folder = Place(**place), find_coding_folder(folder)  # type: ignore[arg-type]
    with _ended_by_signals():
        if adjudicator:
            server = serve_adjudication(adjudicator, where, folder=folder, renew=renew)
        else:
            server = serve_coders(coders, where, folder=folder, round_name=round_name, renew=renew)
        try:
            _say_addresses(server, opens=opens)
            server.serve()
        finally:
            server.close()
    say("Stopped. What was coded is on disk, in the logs of the coders.")


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM be the usual end of what is inside."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        say("")
    finally:
        signal.signal(signal.SIGTERM, before)


def _say_addresses(server: FormServer, *, opens: bool) -> None:
    """Tell each coder's address, and what a person should know before giving it away."""
    import webbrowser

    from codebook.coding.serving.doorkeeper import is_loopback

    for coder, address in server.addresses.items():
        say(f"{coder}: {address}")
        if remark := server.desks[coder].remark:
            say(f"  {remark}", err=True)
    for coder, message in server.left_out.items():
        say(f"{coder}: not served. {message}", err=True)
    if not is_loopback(server.place.host):
        say(OPEN.format(host=server.place.host), err=True)
    say("Give each coder the address of that name, and nobody else. Ctrl-C ends it.")
    opened = [webbrowser.open(address) for address in server.addresses.values()] if opens else []
    if not all(opened):
        say("There is no browser to open here; open the address in one.", err=True)
