"""The files of a plan, put in place once; a plan that nothing was handed in of gives way to another one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from codebook.errors import ChangedPlanError, Fault, ParameterError, RecordError, RunError, SchemeError
from codebook.files.lines import digest, digest_file, dump_canonical, link_file
from codebook.files.run_versions import split_version, version_before
from codebook.ledger import Ledger
from codebook.ledger.claims import now
from codebook.material.unit_store import count_texts, write_units
from codebook.paths import GOLD_SAMPLE
from codebook.records import Asking, Unit, say_erased
from codebook.run.differences import count_changes, list_differences
from codebook.run.folder import RunFolder, describe_software
from codebook.run.plans.privacy import PersonalWatch
from codebook.run.questions.trimming import sweep_leftovers
from codebook.scheme import Codebook, diff_codebooks, read_codebook, write_codebook

_NEW_NAME = (
    "To mend: give the new plan a new run name, or plan it as the next version of the run (version=True); questions "
    "that did not change are not asked again."
)


@dataclass(frozen=True, slots=True)
class Draft:
    """All that a run is planned with: its units in a file of their own, `n_units` of them (of packs, texts).

    `about` is what the record says of the units: their source, and how their bytes became characters. `personal` says
    what of them looks so. In a private plan the digest of its units, which no service knows, is what hides their ids.
    """

    book: Codebook
    asking: Asking
    answerer: str
    about: Mapping[str, Any]
    warnings: tuple[Fault, ...]
    units_path: Path
    units_sha256: str = ""
    n_units: int = 0
    personal: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """What tells one plan from another."""
        return plan_digest(self.book.digest, self.units_sha256, self.asking.to_record())


def plan_digest(book: str, units: str, asking: Mapping[str, Any]) -> str:
    """Return what tells one plan from another: the digests of instrument and units, and what was asked of whom."""
    return digest(book, units, dump_canonical(asking))


@contextmanager
def make_draft(blank: Draft, units: Iterator[tuple[Unit, str | None]], watch: PersonalWatch) -> Iterator[Draft]:
    """Write the units to the path of a draft without any; at the end they are removed, unless they were moved."""
    path = blank.units_path
    n_units = 0

    def counted() -> Iterator[tuple[Unit, str | None]]:
        nonlocal n_units
        for pair in units:
            n_units += count_texts(pair[0].unit_id)
            yield pair

    try:
        write_units(path, counted())
        if not n_units:
            mend = "check the filter (where) and the file"
            raise ParameterError("There is nothing to code.", [Fault("units", "no unit is left", mend)])
        sha256 = digest_file(path)
        asking = replace(blank.asking, private=sha256 if watch.private else "")
        yield replace(blank, asking=asking, units_sha256=sha256, n_units=n_units, personal=watch.told())
    finally:
        path.unlink(missing_ok=True)


def settle_plan(folder: RunFolder, ledger: Ledger, draft: Draft) -> None:
    """Note the plan of a run and put its files in place. Repeated with the same plan it changes nothing.

    An earlier plan is dropped first, if nothing of it was handed in: its rows, its shards and their files.

    Raises
    ------
    ChangedPlanError
        The run was handed in, or has its answers, and was planned with something else.
    RunError
        So it was, and its ledger is lost, or its units are no more those that were planned.
    """
    name, sent = folder.name, ledger.was_sent(folder.name)
    if ledger.is_planned(name) is None and folder.record_path.is_file() and not _holds(folder, draft):
        raise RunError(_say_other(folder, draft))  # the ledger was lost: nobody knows what was handed in
    known, answerer = ledger.start_run(name, draft.digest, draft.answerer)
    if known != draft.digest or answerer not in ("", draft.answerer):
        fixed = sent or _is_finished(folder, ledger)
        if fixed or not ledger.drop_plan(name, draft.digest, draft.answerer, _say_change(folder, draft)):
            _refuse_erased(folder, draft)
            raise ChangedPlanError(_say_other(folder, draft))
    elif not sent and _lost_shards(folder, ledger):
        ledger.drop_plan(name, draft.digest, draft.answerer, "its shards were gone; they are written anew")
    elif sent and folder.units_path.is_file() and digest_file(folder.units_path) != draft.units_sha256:
        raise RunError(_say_other(folder, draft))  # a unit of it was erased, say
    sweep_leftovers(folder.runs, ledger)
    if not (folder.record_path.is_file() if sent else _holds(folder, draft)):  # a first plan, or files that are gone
        _put_files(folder, draft)
    elif not _has_book(folder, draft):
        write_codebook(draft.book, folder.codebook_path)


def _has_book(folder: RunFolder, draft: Draft) -> bool:
    """Whether the codebook in a run's folder is still the one of its plan."""
    try:
        return folder.read_codebook().digest == draft.book.digest
    except (RecordError, SchemeError):
        return False


def _refuse_erased(folder: RunFolder, draft: Draft) -> None:
    """Refuse units that a run does not have, once one was erased from it: it would be asked again, in a new version."""
    if say_erased(folder.read_record()) and (n_new := count_changes(folder.units_path, draft.units_path)["new"]):
        raise RunError(
            f"Run {folder.name!r} was planned with other units. {n_new:,} of these units it does not have, and "
            f"{'; '.join(say_erased(folder.read_record()))}. To mend: take what was erased out of your file of units, "
            "or give the new plan a new run name."
        )


def is_changed(folder: RunFolder, ledger: Ledger, draft: Draft) -> bool:
    """Whether a run was handed in, or has its answers, and was planned with something else."""
    fixed = ledger.was_sent(folder.name) or _is_finished(folder, ledger)
    return fixed and folder.record_path.is_file() and not _holds(folder, draft)


def _holds(folder: RunFolder, draft: Draft) -> bool:
    """Whether the files in a run's folder are those of a plan."""
    if not (folder.record_path.is_file() and folder.units_path.is_file() and folder.codebook_path.is_file()):
        return False
    record = folder.read_record()
    planned = plan_digest(record["codebook"]["sha256"], record["units"]["sha256"], record["asked"])
    if record.get("answerer", draft.answerer) != draft.answerer:
        return False
    return planned == draft.digest and digest_file(folder.units_path) == draft.units_sha256


def _is_finished(folder: RunFolder, ledger: Ledger) -> bool:
    """Whether the run was collected and has all its answers, from other runs."""
    if not folder.record_path.is_file() or "answered" not in folder.read_record():
        return False
    return not any("pending" in counts for counts in ledger.count_whys(folder.name).values())


def _lost_shards(folder: RunFolder, ledger: Ledger) -> bool:
    return any(row.n_requests and not (folder.shards / row.file).is_file() for row in ledger.jobs(folder.name))


def _put_files(folder: RunFolder, draft: Draft) -> None:
    """Write what the run is planned with; the record comes last, so that what is there is whole."""
    draft.units_path.replace(folder.units_path)
    write_codebook(draft.book, folder.codebook_path)
    book, version = draft.book, _describe_version(folder, draft)
    if version:
        _link_sample(folder, version["before"])
    folder.write_record(
        {
            "run": folder.name,
            "planned_at": now(),
            "codebook": {
                "name": book.name,
                "version": book.version,
                "sha256": book.digest,
                "variables": {variable.name: book.variable_digest(variable.name) for variable in book.variables},
            },
            "units": {**draft.about, "n": draft.n_units, "sha256": draft.units_sha256},
            "asked": draft.asking.to_record(),
            "answerer": draft.answerer,
            "warnings": [str(fault) for fault in draft.warnings],
            **({"personal": list(draft.personal)} if draft.personal else {}),
            **({"version": version} if version else {}),
            "software": describe_software(),
        }
    )


def _link_sample(folder: RunFolder, before: str) -> None:
    """Let a version have the gold sample of the one before: chances and lock are those of the run."""
    sample = folder.runs / before / GOLD_SAMPLE
    if sample.is_file():
        link_file(sample, folder.path / GOLD_SAMPLE)


def _describe_version(folder: RunFolder, draft: Draft) -> dict[str, Any]:
    """What the record of a second or later version says of it; of a first one nothing."""
    before = version_before(folder.runs, folder.name)
    if not before:
        return {}
    base, number = split_version(folder.name)
    asking, old = draft.asking.to_record(), folder.beside(before)
    differs = list_differences(old, draft.book, folder.units_path, asking, draft.answerer)
    return {"of": base, "number": number, "before": before, "differs": differs}


def _say_change(folder: RunFolder, draft: Draft) -> str:
    """What a new plan has otherwise than the one it takes the place of."""
    return f"nothing was handed in, so the plan was replaced. What changed: {', '.join(_differ(folder, draft))}"


def _say_other(folder: RunFolder, draft: Draft) -> str:
    """Say that a run was planned with something else, and what differs."""
    differs = _differ(folder, draft)
    if differs == ["units"]:
        return f"Run {folder.name!r} was planned with other units. {_NEW_NAME}"
    changes: list[str] = []
    if "codebook" in differs and folder.codebook_path.is_file():
        changes = [str(change) for change in diff_codebooks(read_codebook(folder.codebook_path), draft.book)][:20]
    changed = "".join(
        f"\n  - {line}" for line in [*changes, *(line for line in differs if not changes or line != "codebook")]
    )
    return f"Run {folder.name!r} was planned with something else. What differs:{changed}\n{_NEW_NAME}"


def _differ(folder: RunFolder, draft: Draft) -> list[str]:
    """The parts of a plan that differ from what the folder holds, by name."""
    if not folder.record_path.is_file():
        return ["unknown, since the run's record is gone"]
    record = folder.read_record()
    differing = ["codebook"] * (record["codebook"]["sha256"] != draft.book.digest)
    differing += ["units"] * (record["units"]["sha256"] != draft.units_sha256)
    before, after = record["asked"], draft.asking.to_record()
    names = [name for name in {**before, **after} if name != "options" and before.get(name) != after.get(name)]
    old, new = before.get("options", {}), after["options"]
    differing += [*names, *(name for name in {**old, **new} if old.get(name) != new.get(name))]
    if not differing and record.get("answerer", draft.answerer) != draft.answerer:
        differing.append(f"who answers ({record['answerer']}, now {draft.answerer})")
    return differing
