"""The official SDK's client for a provider, and its exceptions as errors of the kit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from codebook.engines.service.keys import find_key, hide_key, name_key
from codebook.engines.service.providers import Provider
from codebook.errors import EngineError, GoneError, MissingExtraError, UnreachableError

if TYPE_CHECKING:
    import openai

T = TypeVar("T")
_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Client:
    """A provider and how to call it. Made without a key: the key is looked for at the first call.

    Attributes
    ----------
    provider
        Who is called.
    timeout_s
        Seconds an operation on the connection may take.
    """

    provider: Provider
    timeout_s: float = _TIMEOUT_S

    @cached_property
    def key(self) -> str:
        """The API key; a word without meaning where the provider needs none."""
        return find_key(self.provider.key) if self.provider.key else "none"

    @property
    def key_name(self) -> str:
        """What a key may be called in a record: a digest that says nothing of it."""
        return name_key(self.key)

    @cached_property
    def sdk(self) -> openai.OpenAI:
        """The SDK's client."""
        return make_client(self.provider, self.key, self.timeout_s)

    def hide(self, text: str) -> str:
        """Return a text of the service without the key in it."""
        return hide_key(text, self.key if self.provider.key else "")

    def call(self, what: str, function: Callable[..., T], *args: Any, **options: Any) -> T:
        """Call a function of the SDK; its exceptions become errors of the kit that say `what` was tried."""
        import httpx2
        import openai

        try:
            return function(*args, **options)
        except (openai.OpenAIError, httpx2.HTTPError) as error:  # the latter while a file is streamed
            raise explain(error, what, self.key if self.provider.key else "") from None


def make_client(provider: Provider, key: str, timeout_s: float = _TIMEOUT_S) -> openai.OpenAI:
    """Return the SDK's client of a provider.

    Raises
    ------
    MissingExtraError
        The SDK is not installed.
    """
    try:
        import openai
    except ImportError:
        raise MissingExtraError("An engine that calls a service", "openai") from None
    base_url = provider.base_url or "https://api.openai.com/v1"  # said outright: OPENAI_BASE_URL must not redirect it
    return openai.OpenAI(api_key=key, base_url=base_url, timeout=timeout_s)


def explain(error: Exception, what: str, key: str = "") -> EngineError:
    """Return the kit's error for an exception of the SDK, without the key in it.

    `UnreachableError` where later may be better, `GoneError` at 404, else `EngineError`: waiting will not help.
    """
    import httpx2
    import openai

    said = hide_key(_say(error), key)
    if isinstance(error, openai.APIConnectionError | httpx2.HTTPError):
        return UnreachableError(f"{what}: the service cannot be reached ({said}). Nothing is lost; try again later.")
    if isinstance(error, openai.NotFoundError):
        return GoneError(f"{what}: the service does not have it, or does not show it to this key ({said}).")
    if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
        return EngineError(f"{what}: the service refused the key ({said}). To mend: check the key and its project.")
    if isinstance(error, openai.APIStatusError) and _passes(error):
        return UnreachableError(f"{what}: the service is busy or in trouble ({said}). Nothing is lost; try later.")
    return EngineError(f"{what}: {said}")


def _passes(error: openai.APIStatusError) -> bool:
    """Whether a failure may be over later; an account without credit is not."""
    return (error.status_code in (408, 409, 429) or error.status_code >= 500) and error.code != "insufficient_quota"


def _say(error: Exception) -> str:
    """What the service said, on one line and short."""
    return " ".join(str(error).split())[:300] or type(error).__name__
