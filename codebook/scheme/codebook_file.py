"""Read a codebook from YAML, every fault at once with its line; and write one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from codebook.errors import Fault, SchemeError
from codebook.files import YamlTree, parse_yaml, read_yaml
from codebook.files.lines import write_atomic
from codebook.paths import resolve_path, show_path
from codebook.scheme.codebook_checks import Finding, check_alone, check_categories, check_names, check_variable
from codebook.scheme.explaining import explain
from codebook.scheme.model import KINDS, OPEN_KINDS, Codebook, Variable


def read_codebook(path: str | Path) -> Codebook:
    """Read and check `codebook.yaml`. Everything in it is text: `no` and `1` are names, not a truth value or a number.

    Raises
    ------
    SchemeError
        The file is missing or faulty; all faults are listed with their line and the mend.
    """
    file = resolve_path(path)
    if not file.exists():
        raise SchemeError(f"There is no codebook at {show_path(file)}. To mend: give the path of your codebook.yaml.")
    return _make_codebook(read_yaml(file, error=SchemeError, summary="The codebook cannot be read."))


def parse_codebook(text: str, where: str = "codebook") -> Codebook:
    """Check the text of a codebook; `where` names it in messages.

    Raises
    ------
    SchemeError
        All faults, each with its line and the mend.
    """
    return _make_codebook(parse_yaml(text, where, error=SchemeError, summary=f"{where} is not readable as YAML."))


def _make_codebook(tree: YamlTree) -> Codebook:
    """Check what was read, and return it as a codebook."""
    where, raw = tree.where, tree.value
    if not isinstance(raw, dict):
        fault = Fault(f"{where}, line 1", "not a codebook", "start with `name:`, `unit:` and `variables:`")
        raise SchemeError(f"{where} is not a codebook.", [fault])
    twice = [(line, f"`{loc[-1]}` stands here twice", "keep one of them") for loc, line in tree.repeated_keys()]
    findings = [*twice, *((tree.line(loc), problem, mend) for loc, problem, mend in find_faults(raw))]
    if findings:
        findings.sort(key=lambda finding: finding[0])
        faults = [Fault(f"{where}, line {line}", problem, mend) for line, problem, mend in findings]
        raise SchemeError(f"{where} has {len(faults)} fault{'s' * (len(faults) > 1)}:", faults)
    return Codebook.model_validate(raw)


def find_faults(raw: dict[str, Any]) -> Iterator[Finding]:
    """Every fault of the raw mapping: of single fields first, then of fields together."""
    variables = raw.get("variables")
    try:
        codebook = Codebook.model_validate(raw)
    except ValidationError as error:
        for one in error.errors():
            # pydantic leaves faulty variables out before it counts them, and then finds too few
            if not (variables and one["loc"] == ("variables",) and one["type"] == "too_short"):
                yield explain(one)
    else:
        yield from check_names(codebook)
        yield from check_alone(codebook)
    for place, one in enumerate(variables if isinstance(variables, list) else ()):
        for loc, problem, mend in _check_together(one):
            yield ("variables", place, *loc), problem, mend


def _check_together(raw: Any) -> Iterator[Finding]:
    """What the fields of a variable get wrong together; where some are faulty themselves, its categories only."""
    try:
        yield from check_variable(Variable.model_validate(raw))
    except ValidationError:
        if not isinstance(raw, dict):
            return
        kind = raw.get("kind") if raw.get("kind") in KINDS else "multi"
        if kind in OPEN_KINDS:
            return
        rest = {"categories": raw.get("categories"), "abstain": raw.get("abstain")}
        with suppress(ValidationError):
            yield from check_categories(Variable.model_validate(rest | _SOUND | {"kind": kind}))


_SOUND = {"name": "sound", "question": "sound", "level": "nominal"}


def write_codebook(codebook: Codebook, path: str | Path) -> None:
    """Write a codebook as YAML that reads back to the same digest."""
    raw = codebook.model_dump(mode="json", exclude_defaults=True)
    text = yaml.dump(raw, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    with write_atomic(resolve_path(path)) as file:
        file.write(text.encode())


class _Dumper(yaml.SafeDumper):
    """Writes U+0085, U+2028 and U+2029 as escapes: to YAML they are line ends, and come back as others."""

    def represent_str(self, data: str) -> yaml.ScalarNode:
        style = '"' if any(letter in data for letter in "\x85\u2028\u2029") else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _Dumper.represent_str)
