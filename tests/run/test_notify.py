"""Notifications: told over loopback, or by the bell; addresses never show."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from codebook.run.notices import notify, read_addresses

SECRET = "s3cr3t-Pa55w0rd"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def told() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A chat server on loopback: its address, and what it was told."""
    messages: list[dict[str, Any]] = []

    class Chat(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            messages.append(body)
            self.send_response(500 if self.path.startswith("/broken") else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Chat)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"json://ann:{SECRET}@127.0.0.1:{server.server_port}", messages
    server.shutdown()
    thread.join()
    server.server_close()


def test_every_address_of_the_environment_is_told(told, monkeypatch):
    address, messages = told
    monkeypatch.setenv("CODEBOOK_NOTIFY", f"{address}/a, {address}/b")
    assert notify("Run topics has ended", "204 asked") == "2 of 2 addresses were told"
    assert [(message["title"], message["message"]) for message in messages] == [
        ("Run topics has ended", "204 asked")
    ] * 2


def test_what_fails_is_said_and_shows_no_address(told, capfd, caplog):
    address, _ = told
    caplog.set_level(logging.DEBUG)
    said = notify("title", "text", urls=[f"{address}/broken", f"nonsense://{SECRET}", f"{address}/good"])
    assert said == "1 of 3 addresses were told; address 1 could not be told; address 2 is not understood"
    written = capfd.readouterr()
    assert SECRET not in said + written.out + written.err + caplog.text
    assert not logging.getLogger("apprise").disabled


def test_nobody_reached_is_said(told):
    address, _ = told
    assert notify("title", "text", urls=f"{address}/broken") == "nobody was told: address 1 could not be told"


def test_without_addresses_the_terminal_rings(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert notify("title", "text") == "rang the bell of the terminal (CODEBOOK_NOTIFY is not set)"
    assert terminal.getvalue() == "\a"


@pytest.mark.parametrize("stderr", [io.StringIO(), None])
def test_without_a_terminal_nothing_is_written(monkeypatch, stderr):
    monkeypatch.setattr(sys, "stderr", stderr)
    said = notify("title", "text")
    assert said.startswith("nobody was told")
    assert stderr is None or stderr.getvalue() == ""


def test_a_missing_package_is_said_with_the_mend(monkeypatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    monkeypatch.setattr(sys, "stderr", Terminal())
    said = notify("title", "text", urls=f"json://{SECRET}@127.0.0.1")
    assert "pip install 'codebook-kit[notify]'" in said
    assert SECRET not in said


@pytest.mark.parametrize(
    ("given", "addresses"),
    [
        ("", []),
        (" , ", []),
        ("dbus://", ["dbus://"]),
        ("a://x?to=1,2 b://y,c://z", ["a://x?to=1,2", "b://y", "c://z"]),
        (["a://x", "b://y"], ["a://x", "b://y"]),
    ],
)
def test_addresses_are_divided_where_one_begins(given, addresses):
    assert read_addresses(given) == addresses


@pytest.mark.parametrize(
    ("scheme", "package"), [("dbus", "dbus-python"), ("gnome", "PyGObject"), ("glib", "PyGObject")]
)
def test_a_desktop_notice_says_which_package_it_needs(monkeypatch, scheme, package):
    from apprise.manager_plugins import NotificationManager

    monkeypatch.setattr(NotificationManager()[scheme], "enabled", False)
    said = notify("title", "text", urls=f"{scheme}://")
    assert said == f"nobody was told: address 1 ({scheme}) needs the package {package}; to mend: pip install {package}"


def test_an_address_of_another_system_says_what_it_needs(monkeypatch):
    from apprise.manager_plugins import NotificationManager

    monkeypatch.setattr(NotificationManager()["windows"], "enabled", False)
    assert "(windows) cannot be used on this machine: A local Microsoft Windows" in notify("t", "x", urls="windows://")
