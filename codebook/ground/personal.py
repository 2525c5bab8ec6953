"""What looks like personal data, by the name of a column or by its values. A hint, never a proof."""

from __future__ import annotations

import ipaddress
import re

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
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
