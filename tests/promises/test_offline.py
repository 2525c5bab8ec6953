"""The guard that keeps tests off the network, and lets them use loopback."""

import os
import socket
import urllib.request

import pytest


@pytest.mark.parametrize("host", ["example.org", "192.0.2.1", "2001:db8::1"])
def test_the_network_is_closed(host):
    with pytest.raises(pytest.fail.Exception, match="Only loopback is open"):
        socket.create_connection((host, 80), timeout=1)


@pytest.mark.parametrize("call", ["connect", "connect_ex"])
def test_a_plain_socket_is_guarded_too(call):
    with socket.socket() as plain, pytest.raises(pytest.fail.Exception, match=r"192\.0\.2\.1"):
        getattr(plain, call)(("192.0.2.1", 80))


def test_no_client_can_swallow_the_refusal():
    assert not issubclass(pytest.fail.Exception, Exception)
    with pytest.raises(pytest.fail.Exception):  # urllib turns every OSError into its own
        urllib.request.urlopen("http://example.org", timeout=1)


def test_loopback_is_open():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(("localhost", server.getsockname()[1]), timeout=1).close()


def test_the_environment_holds_no_key():
    assert not [name for name in os.environ if name.endswith("_API_KEY") or name.startswith(("OPENAI_", "CODEBOOK_"))]
