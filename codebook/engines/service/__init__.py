"""What the engines that speak to a service share: who it is (providers), the key, and the SDK's client."""

from codebook.engines.service.batches import read_ceiling
from codebook.engines.service.client import Client, explain, make_client
from codebook.engines.service.keys import find_key, find_secrets, name_key
from codebook.engines.service.providers import PROVIDERS, Provider, check_model, find_provider

__all__ = [
    "PROVIDERS",
    "Client",
    "Provider",
    "check_model",
    "explain",
    "find_key",
    "find_provider",
    "find_secrets",
    "make_client",
    "name_key",
    "read_ceiling",
]
