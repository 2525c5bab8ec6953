"""Who is to be asked, and how: what a person says, read and checked once; afterwards it is an `Asking`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

from codebook.engines import DEFAULT, about_engine
from codebook.errors import Fault, ParameterError, mend_name
from codebook.files.yaml_text import parse_pairs
from codebook.ground.secrecy import judge_secrecy
from codebook.paths import resolve_path, show_path
from codebook.records import Asking
from codebook.run.plans.checking import check_address
from codebook.run.plans.privacy import is_private_study

_SUMMARY = "The run cannot be planned like this."


class AskingFields(TypedDict, total=False):
    """What `plan` and its kin take of who is asked, and how; what each means stands at `plan`."""

    engine: str
    model: str
    url: str
    draws: int
    settings: Mapping[str, Any] | None
    archive: str | Path
    options: Mapping[str, Any] | Sequence[str]
    private: bool
    at_once: bool


def make_asking(fields: Mapping[str, Any], run: str = "") -> Asking:
    """Read and check what a person says of who is asked; nothing is written.

    Parameters
    ----------
    fields
        Of `AskingFields`.
    run
        The run's name, which may hold a key as well.

    Raises
    ------
    ParameterError
        A name is none of them, a key stands among them, or nothing should go to that address.
    """
    _check_names(fields)
    settings = fields.get("settings") or {}
    if not isinstance(settings, Mapping):
        mend = "pass a mapping, such as `{'temperature': 0}`"
        raise ParameterError(_SUMMARY, [Fault("settings", f"it is a {type(settings).__name__}", mend)])
    values = {name: value for name, value in fields.items() if name not in ("archive", "private", "at_once")}
    values |= {"engine": fields.get("engine", DEFAULT), "settings": dict(settings)}
    options, archive = read_options(fields.get("options", ())), fields.get("archive", "")
    if fields.get("at_once"):
        values["engine"], options = _ask_now(values["engine"], options)
    options |= {"archive": archive} if archive else {}
    asking = Asking(**values | {"options": options})
    _check_secrecy(asking, run)
    check_address(asking)
    if "archive" in options:
        options["archive"] = show_path(resolve_path(options["archive"]))
    return Asking(**values | {"options": options, "private": bool(fields.get("private")) or is_private_study()})


def _check_names(fields: Mapping[str, Any]) -> None:
    known = [*AskingFields.__annotations__]
    problem, mend = "a plan has no such parameter", f"leave it out; there are {', '.join(known)}"
    unknown = sorted(fields.keys() - known)
    if unknown:
        raise ParameterError(_SUMMARY, [Fault(name, problem, mend_name(name, known, mend)) for name in unknown])


def _check_secrecy(asking: Asking, run: str) -> None:
    """Refuse a key wherever it stands, before anything is written: all of it ends in `run.json` or at a service."""
    texts = {"run": run, "model": asking.model, "url": asking.url}
    judged = {name: judge_secrecy(name, value) for name, value in texts.items()}
    judged |= {name: judge_secrecy(name, getattr(asking, name)) for name in ("settings", "options")}
    if faults := [Fault(name, *fault) for name, fault in judged.items() if fault]:
        raise ParameterError(f"{_SUMMARY[:-1]}; nothing was written.", faults)


def _ask_now(engine: str, options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Engine and options that answer at once where these take their time.

    Examples
    --------
    >>> _ask_now("openai_batch", {"provider": "azure", "pause_s": 5}), _ask_now("embedded", {})
    (('openai_live', {'provider': 'azure'}), ('embedded', {}))
    >>> _ask_now("cluster", {"chunk": 9}), _ask_now("cluster", {"answering": "vllm"})
    (('embedded', {}), ('cluster', {'answering': 'vllm'}))
    """
    about = about_engine(engine)
    if about is None or not about.at_once or "answering" in options:  # who answers there, answers nowhere else
        return engine, options
    return about.at_once, {name: options[name] for name in ("provider", "base_url") if name in options}


def read_options(options: Mapping[str, Any] | Sequence[str]) -> dict[str, Any]:
    """Return the options of an engine as a mapping."""
    return parse_pairs(options, "options", error=ParameterError, summary="The options of the engine cannot be read.")
