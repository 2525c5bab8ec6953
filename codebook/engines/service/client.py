"""The official SDK's client for a provider, its replies as objects, and its exceptions as errors of the kit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from codebook.engines.service.hosts import check_host
from codebook.engines.service.objects import is_page, read_date, read_object, read_words
from codebook.engines.service.providers import Provider
from codebook.errors import EngineError, GoneError, MissingExtraError, UnreachableError
from codebook.ground.secrecy import find_key, hide_key, name_key

if TYPE_CHECKING:
    import httpx2
    import openai

T = TypeVar("T")
TIMEOUT_S, ATTEMPTS = 120.0, 3
"""What a call may take, and how often it is made, where nothing else is said."""


class Answer(NamedTuple):
    """The JSON object that a service replied, and when by its own clock (seconds since 1970), if it says so."""

    body: dict[str, Any]
    at: float | None


@dataclass(frozen=True)
class Client:
    """A provider and how to call it. Made without a key: the key is looked for at the first call.

    Attributes
    ----------
    provider
        Who is called.
    timeout_s
        Seconds an operation on the connection may take.
    attempts
        How often a call is made before it counts as failed.
    """

    provider: Provider
    timeout_s: float = TIMEOUT_S
    attempts: int = ATTEMPTS

    @cached_property
    def key(self) -> str:
        """The API key; a word without meaning where the provider needs none. Asked for, so texts are about to go.

        Raises
        ------
        ParameterError
            Nobody vouches for the host.
        MissingKeyError
            It is not set.
        """
        check_host(self.provider)
        return find_key(self.provider.key) if self.provider.key else "none"

    @property
    def key_name(self) -> str:
        """What a key may be called in a record: a digest that says nothing of it."""
        return name_key(self.key)

    @cached_property
    def sdk(self) -> openai.OpenAI:
        """The SDK's client."""
        return make_client(self.provider, self.key, self.timeout_s, self.attempts)

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

    def ask(self, what: str, function: Callable[..., Any], *args: Any, **options: Any) -> Answer:
        """Call a function of the SDK's `with_raw_response` and return the JSON object of the reply.

        The SDK's own types are not used: it takes whatever a service or a proxy sends for them, a login page included.

        Raises
        ------
        UnreachableError
            What came is no JSON object: somebody else answered, or only a part arrived.
        """
        response: httpx2.Response = self.call(what, function, *args, **options).http_response
        body = read_object(response.content, response.headers, what, self.hide, status=response.status_code)
        return Answer(body, read_date(response.headers))

    def lacks(self, path: str, error: EngineError) -> EngineError:
        """Return the error that says that the address has no such endpoint, and the mend."""
        address = str(self.sdk.base_url).rstrip("/")
        if "/v1" not in address:
            mend = f"add /v1 to base_url ({address}/v1)"
        else:
            mend = "correct base_url; a service without batches can be asked by the engine openai_live"
        kind = UnreachableError if isinstance(error, UnreachableError) else EngineError
        return kind(f"{address}{path} does not exist at the service (status {error.status}). To mend: {mend}.")


def make_client(provider: Provider, key: str, timeout_s: float = TIMEOUT_S, attempts: int = ATTEMPTS) -> openai.OpenAI:
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
    made = openai.OpenAI(api_key=key, base_url=provider.address, timeout=timeout_s, max_retries=attempts - 1)
    made._client.follow_redirects = False  # key and texts go where it was said, and nowhere else
    return made


def explain(error: Exception, what: str, key: str = "") -> EngineError:
    """Return the kit's error for an exception of the SDK, without the key in it.

    `UnreachableError` where later may be better, `GoneError` at 404 and 410, else `EngineError`: waiting will not help.
    """
    import openai

    explained = _choose(error, what, hide_key(_say(error), key))
    explained.unsent = _never_left(error)
    if isinstance(error, openai.APIStatusError):
        explained.status, explained.at = error.status_code, read_date(error.response.headers)
        explained.words = hide_key(read_words(error.body), key)
    return explained


def _choose(error: Exception, what: str, words: str) -> EngineError:
    import httpx2
    import openai

    if isinstance(error, openai.APIStatusError) and 300 <= error.status_code < 400:
        to = f"status {error.status_code}, {error.response.headers.get('location', 'no address')}"
        return EngineError(f"{what}: the service is elsewhere ({to}). To mend: correct base_url.")
    if isinstance(error, openai.APIConnectionError | httpx2.HTTPError):
        return UnreachableError(f"{what}: the service cannot be reached ({words}). Nothing is lost; try again later.")
    if isinstance(error, openai.NotFoundError) and is_page(str(error.body or "").encode(), {}):
        return UnreachableError(f"{what}: a page came instead of a reply ({words}). Nothing is lost; try again later.")
    if isinstance(error, openai.APIStatusError) and error.status_code in (404, 410):
        return GoneError(f"{what}: the service does not have it, or does not show it to this key ({words}).")
    if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
        return EngineError(f"{what}: the service refused the key ({words}). To mend: check the key and its project.")
    if isinstance(error, openai.APIStatusError) and _passes(error):
        return UnreachableError(f"{what}: the service is busy or in trouble ({words}). Nothing is lost; try later.")
    return EngineError(f"{what}: {words}")


def _passes(error: openai.APIStatusError) -> bool:
    """Whether a failure may be over later; an account without credit is not."""
    return (error.status_code in (408, 409, 429) or error.status_code >= 500) and error.code != "insufficient_quota"


def _never_left(error: Exception) -> bool:
    """Whether no connection was made, so that nothing can have been done."""
    import httpx2

    cause = error.__cause__ or error
    return isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)


def _say(error: Exception) -> str:
    """What the service said, on one line and short; the SDK shows it only where it stands in the usual field."""
    import openai

    message, body = " ".join(str(error).split()), error.body if isinstance(error, openai.APIStatusError) else None
    usual = isinstance(body, dict) and isinstance(body.get("message"), str)
    words = "" if usual else read_words(body)
    return (f"{message} - {words}" if words and words not in message else message)[:300] or type(error).__name__
