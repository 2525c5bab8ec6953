"""The block `coding:` of a study: who codes, in which folder, how units are given to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from codebook.coding.assigning import Design
from codebook.coding.assignments import FOLDER, name_faults
from codebook.errors import Fault, ParameterError, mend_name
from codebook.files.yaml_text import parse_value


@dataclass(frozen=True, slots=True)
class CodingSettings:
    """How people code in a study.

    Attributes
    ----------
    coders
        Their names.
    folder
        Where assignment and logs lie.
    sample
        File of a gold sample: only its units are coded. Empty for all units.
    design
        Which share is coded by several, and so on (`Design`).

    Examples
    --------
    >>> from codebook.coding.assigning import Design
    >>> CodingSettings(("ann", "ben"), design=Design(double=0.2)).folder
    'coding'
    """

    coders: tuple[str, ...] = ()
    folder: str = FOLDER
    sample: str = ""
    design: Design = field(default_factory=Design)


_OWN = ("coders", "folder", "sample")
_DESIGN = {each.name: each.default for each in fields(Design)}
KEYS = (*_OWN, *_DESIGN)


def read_coding(block: Mapping[str, Any], where: str = "coding") -> CodingSettings:
    """Return the settings that a mapping holds, such as the block of a study; texts are read as YAML reads them.

    Raises
    ------
    ParameterError
        A name or a value is none of them; all are told.

    Examples
    --------
    >>> settings = read_coding({"coders": "ann, ben", "double": "0.2"})
    >>> settings.coders, settings.design.double
    (('ann', 'ben'), 0.2)
    >>> read_coding({"codres": ["ann"]})
    Traceback (most recent call last):
    codebook.errors.ParameterError: The settings for coding cannot be read.
      - coding, codres: there is no such setting for coding. To mend: did you mean 'coders'?
    More on such a message: codebook explain ParameterError
    """
    values, faults = dict[str, Any](), list[Fault]()
    for name, value in block.items():
        if name not in KEYS:
            faults.append(Fault(f"{where}, {name}", "there is no such setting for coding", mend_name(str(name), KEYS)))
            continue
        try:
            values[name] = _read_value(name, value)
        except (ValueError, TypeError) as error:
            faults.append(Fault(f"{where}, {name}", f"{value!r} is not allowed", str(error)))
    design = Design(**{name: value for name, value in values.items() if name in _DESIGN})
    settings = CodingSettings(**{name: value for name, value in values.items() if name in _OWN}, design=design)
    if not faults:
        faults += name_faults(settings.coders)
        n_coders = len(settings.coders) or max(design.overlap, 1)
        faults += design.faults(n_coders, where)
    ParameterError.raise_any("The settings for coding cannot be read.", faults)
    return settings


def _read_value(name: str, value: Any) -> Any:
    """A setting as its field has it; the message of a ValueError is the mend."""
    if name == "coders":
        names = value.split(",") if isinstance(value, str) else value
        return tuple(str(each).strip() for each in names)
    if name in ("folder", "sample", "strata"):
        return str(value)
    if isinstance(value, str):
        value = parse_value(value, name, error=ParameterError, summary="The setting cannot be read.")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("write a number")
    if isinstance(_DESIGN[name], float):
        return float(value)
    if value != int(value):
        raise ValueError("write a whole number")
    return int(value)
