"""What the engines that speak to a service share: who it is, the SDK's client, and what comes back.

In come the name of a provider and an address; out go batches, files and errors in the words of the kit. Open
`providers.py` first, then `client.py`.
"""

from codebook.engines.service.client import ATTEMPTS, TIMEOUT_S, Client, explain
from codebook.engines.service.hosts import (
    check_host,
    find_http_fault,
    forget_host,
    list_trusted,
    name_host,
    say_destination,
    trust_host,
)
from codebook.engines.service.providers import PROVIDERS, Provider, check_model, find_provider

__all__ = [
    "ATTEMPTS",
    "PROVIDERS",
    "TIMEOUT_S",
    "Client",
    "Provider",
    "check_host",
    "check_model",
    "explain",
    "find_http_fault",
    "find_provider",
    "forget_host",
    "list_trusted",
    "name_host",
    "say_destination",
    "trust_host",
]
