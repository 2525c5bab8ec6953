"""What of the units looks personal and is about to leave this machine, and whether the study wants its ids hidden."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from codebook.errors import Fault, ParameterError
from codebook.files.yaml_text import read_yaml
from codebook.ground.personal import find_personal, is_personal_name, looks_personal
from codebook.ground.quantities import say_count
from codebook.paths import STUDY_VARIABLE, project_folder
from codebook.records import Unit

_N_SHOWN = 5
Pair = tuple[Unit, str | None]


def is_private_study() -> bool:
    """Whether the study says `private: true`: the project's study.yaml, or the study that is being executed.

    Raises
    ------
    ParameterError
        The file cannot be read, so that nobody knows; or it says something else than true or false.
    """
    paths = {project_folder() / "study.yaml", Path(os.environ.get(STUDY_VARIABLE) or project_folder() / "study.yaml")}
    return any(list(map(_says_private, (path for path in sorted(paths) if path.is_file()))))  # all of them are read


def _says_private(path: Path) -> bool:
    summary = "It cannot be told whether the study is private."
    tree = read_yaml(path, error=ParameterError, summary=summary)
    word = str(tree.value.get("private", "false")) if isinstance(tree.value, dict) else "false"
    if word.lower() not in ("true", "false"):
        fault = Fault(tree.place(("private",)), f"private is {word!r}", "write true or false")
        raise ParameterError(summary, [fault])
    return word.lower() == "true"


class PersonalWatch:
    """Looks at units as they pass to a service, and says what of them looks personal. A hint, never a proof."""

    def __init__(self, *, private: bool) -> None:
        self.private = private
        self._forget()

    def _forget(self) -> None:
        self.n_ids = 0
        self.n_texts = 0
        self.shown: list[str] = []
        self.columns: dict[str, str] = {}

    def watch(self, units: Iterator[Pair]) -> Iterator[Pair]:
        """Yield the units unchanged; only what is sent counts."""
        self._forget()
        for pair in units:
            if pair[1] is None:
                self._look(pair[0])
            yield pair

    def _look(self, unit: Unit) -> None:
        self.n_ids += looks_personal(unit.unit_id)
        if find_personal(unit.text):
            self.n_texts += 1
            if len(self.shown) < _N_SHOWN:
                self.shown.append(repr(unit.unit_id))
        for name, value in unit.context.items():
            if name not in self.columns and (why := _why_personal(name, value)):
                self.columns[name] = why

    def told(self) -> tuple[str, ...]:
        """What looks personal, in words."""
        warnings = []
        if self.n_ids and not self.private:
            warnings.append(
                f"WARNING   {say_count(self.n_ids, 'id looks', 'ids look')} personal (e-mail or IP addresses, "
                "phone numbers): the service sees "
                "other names, but somebody who knows an id can test whether it is among them. Write `private: true` in "
                "study.yaml, or --private"
            )
        if self.n_texts:
            more = ", ..." if self.n_texts > len(self.shown) else ""
            warnings.append(
                f"WARNING   {say_count(self.n_texts, 'text holds', 'texts hold')} an e-mail or IP address "
                f"({', '.join(self.shown)}{more}): they "
                "are sent as they are; mask it first if it must not leave this machine"
            )
        if self.columns:
            named = "; ".join(f"{name} ({why})" for name, why in self.columns.items())
            warnings.append(f"WARNING   columns that look personal are sent with the texts: {named}")
        return tuple(warnings)


def _why_personal(name: str, value: str) -> str:
    if is_personal_name(name):
        return "by its name"
    if what := find_personal(value):
        return f"holds {what}"
    return "holds a phone number" if looks_personal(value) else ""
