"""One call after the other over a raw HTTP session, authenticated and addressed as the SDK would do it.

The SDK builds, checks and wraps every request, which holds one process to about 330 calls a second. Here the bodies
are ready bytes, so only what the SDK knows is taken from it: headers with the key, the address, certificates.
"""

from __future__ import annotations

import ssl
from io import BytesIO
from time import monotonic
from typing import TYPE_CHECKING, Any, Self
from urllib.request import getproxies, proxy_bypass

from codebook.engines.openai_live.call_lines import LostError, Reply
from codebook.engines.service import Client
from codebook.errors import MissingExtraError

if TYPE_CHECKING:
    import openai
    from yarl import URL

_CONNECT_S = 15.0
_BLANK, _REPLIES = b"\xef\xbb\xbf \t\r\n", (b"{", b"[", b'"')
"""What may stand before a reply, and with what one begins, whole or not; all else was sent by somebody else."""
_WHOLE_BYTES = 1 << 20
"""Bodies from this size on are handed to the connection piece by piece, so that other calls go on meanwhile."""


class Caller:
    """A session of calls.

    Parameters
    ----------
    client
        Whom to call. Its key must be there.
    timeout_s
        Seconds that a call may take, from the first byte sent to the last received.
    """

    def __init__(self, client: Client, timeout_s: float) -> None:
        self.sdk, self.timeout_s = client.sdk, timeout_s
        self.secret = client.key if client.provider.key else ""
        self._targets: dict[str, URL] = {}

    async def __aenter__(self) -> Self:
        self._aiohttp = aiohttp = import_aiohttp()
        timeout = aiohttp.ClientTimeout(total=self.timeout_s, sock_connect=min(self.timeout_s, _CONNECT_S))
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=_certificates(str(self.sdk.base_url))),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=make_headers(self.sdk),
            timeout=timeout,
            max_field_size=65_536,
        )
        host = self.sdk.base_url.host
        self._proxy = None if proxy_bypass(host) else getproxies().get(self.sdk.base_url.scheme)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def call(self, url: str, body: bytes) -> Reply:
        """Post a body to an endpoint, such as `/v1/chat/completions`.

        Raises
        ------
        LostError
            There is no reply, or only a part of one, or somebody else's.
        """
        aiohttp, start = self._aiohttp, monotonic()
        data = body if len(body) < _WHOLE_BYTES else BytesIO(body)
        try:
            async with self._session.post(
                self._target(url), data=data, allow_redirects=False, proxy=self._proxy
            ) as response:
                raw = await response.read()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            raise LostError("connect", _say(error)) from None
        except TimeoutError:
            raise LostError("timeout", f"no reply within {self.timeout_s:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise LostError("connection_error", _say(error)) from None
        if response.status == 200 and not raw[:1024].lstrip(_BLANK).startswith(_REPLIES):
            words = raw[:1024].decode("utf-8", "replace").split()
            raise LostError("page", f"what came is no reply, as from a login page or a proxy: {' '.join(words)[:200]}")
        if response.status != 200 and self.secret:
            raw = raw.replace(self.secret.encode(), b"[the key]")
        return Reply(response.status, raw, response.headers, monotonic() - start)

    def address(self, url: str) -> str:
        """Return the address of an endpoint: the SDK's base with the endpoint's path behind it."""
        return str(self._target(url))

    def _target(self, url: str) -> URL:
        if url not in self._targets:
            from yarl import URL

            address = self.sdk.base_url.join(url.removeprefix("/v1").lstrip("/"))
            self._targets[url] = URL(str(address), encoded=True)
        return self._targets[url]


def make_headers(sdk: openai.OpenAI) -> dict[str, str]:
    """Return the headers that the SDK sends: the key, who asks, the organisation and the project.

    Left out is what the SDK tells of itself (`X-Stainless-...`), since it is not what makes the calls.
    """
    return {
        name: value
        for name, value in {**sdk.auth_headers, **sdk.default_headers}.items()
        if isinstance(value, str) and not name.startswith("X-Stainless-")  # what is left out by the SDK is no string
    }


def import_aiohttp() -> Any:
    """Return the module aiohttp.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    try:
        import aiohttp
    except ImportError:
        raise MissingExtraError("The engine 'openai_live'", "openai") from None
    return aiohttp


def _certificates(base_url: str) -> ssl.SSLContext | bool:
    """The certificates that the SDK's transport trusts; making the context takes time, and http needs none."""
    if not base_url.startswith("https:"):
        return True
    import httpx2

    return httpx2.create_ssl_context()


def _say(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
