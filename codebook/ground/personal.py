"""What looks like personal data, by the name of a column or by its values (a hint, never a proof); and pseudonyms.

The same person has the same pseudonym in every file, and nobody without the key can find who it is. The key is drawn
once and lies among a person's own settings, outside of every study; the variable CODEBOOK_PSEUDONYM_KEY names another
one, for a team whose members shall write the same names.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
import re
import secrets

from codebook.paths import make_private, settings_folder

_NAMES = frozenset(
    re.findall(
        r"\w+",
        """address birthdate birthday city dateofbirth dob email firstname fullname ip ipaddress lastname lat latitude
        login lon longitude mail mobile name passport personid phone phonenumber postcode realname respondent
        respondentid ssn street studentid surname telephone user userid username worker workerid zip zipcode""",
    )
)
_WORDS = frozenset(("email", "phone", "telephone", "ip", "surname", "ssn", "birthdate", "worker"))
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})*\.[^\W\d_]{2,24}\b")
_IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){4,7}(?![\w:])")
_PHONE = re.compile(r"\+\d(?:[ ()./-]{0,2}\d){7,14}")


def is_personal_name(column: str) -> bool:
    """Return whether a column's name promises personal data.

    Examples
    --------
    >>> [name for name in ("Worker ID", "trusted_ip", "E-mail", "method_name", "text") if is_personal_name(name)]
    ['Worker ID', 'trusted_ip', 'E-mail']
    """
    words = re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column).lower())
    return "".join(words) in _NAMES or not _WORDS.isdisjoint(words)


def find_personal(text: str) -> str | None:
    """Say what a text holds, "an e-mail address" or "an IP address", or None.

    Examples
    --------
    >>> find_personal("write to ann.b@example.org"), find_personal("from 192.168.0.1."), find_personal("version 1.2.3")
    ('an e-mail address', 'an IP address', None)
    >>> find_personal("http://127.0.0.1:11434/v1")  # this machine, as each calls itself
    """
    if "@" in text and _EMAIL.search(text):
        return "an e-mail address"
    if text.count(".") >= 3 and any(_is_ip(match) for match in _IPV4.findall(text)):
        return "an IP address"
    if text.count(":") >= 4 and any(_is_ip(match) for match in _IPV6.findall(text)):
        return "an IP address"
    return None


def find_phone(text: str) -> str | None:
    """Say that a text holds an international phone number, set apart from what is around it; or None.

    Examples
    --------
    >>> find_phone("call +44 20 7946 0958 now"), find_phone("1e+0123456789")
    ('a phone number', None)
    """
    if "+" not in text:
        return None
    return "a phone number" if re.search(rf"(?<![\w+.,-]){_PHONE.pattern}(?![\w-])", text) else None


def is_phone(value: str) -> bool:
    """Return whether a whole cell is an international phone number; anything looser would catch ids and dates."""
    return _PHONE.fullmatch(value.strip()) is not None


def looks_personal(value: str) -> bool:
    """Return whether a short text, such as an id, is or holds an e-mail address, an IP address or a phone number.

    Examples
    --------
    >>> [looks_personal(name) for name in ("ann@example.org", "+44 20 7946 0958", "10.0.0.1", "1523", "2026-03-01")]
    [True, True, True, False, False]
    """
    return find_personal(value) is not None or ("+" in value and is_phone(value))


def _is_ip(text: str) -> bool:
    """Whether a text is the address of some machine; that of each machine for itself is nobody's."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)


VARIABLE = "CODEBOOK_PSEUDONYM_KEY"
_FILE = "pseudonym.key"


def name_person(name: str, key: str = "") -> str:
    """Return the pseudonym of a person.

    Parameters
    ----------
    key
        The secret; empty for the one of this machine.

    Examples
    --------
    >>> name_person("ann@example.org", "a key of the docs")
    'person_4d450266'
    """
    secret = key or os.environ.get(VARIABLE, "").strip() or _own_key()
    return f"person_{hmac.digest(secret.encode(), name.strip().casefold().encode(), hashlib.sha256).hex()[:8]}"


def _own_key() -> str:
    path = settings_folder() / _FILE
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        pass
    make_private(path.parent)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
    except FileExistsError:  # another process was quicker
        pass
    return path.read_text(encoding="ascii").strip()
