"""What can be read of a run: its units, table, coverage, costs. Nothing here sends or changes anything but exports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codebook.errors import RunError
from codebook.files.digests import check_units
from codebook.files.run_versions import say_version
from codebook.ground.joins import DistinctIds
from codebook.ground.machine import all_in_words
from codebook.ground.quantities import say_count
from codebook.ground.whys import RETRIED
from codebook.ledger import Ledger
from codebook.material.unit_store import is_part, iter_units
from codebook.paths import show_path
from codebook.records import Asking, Service, Unit, read_service, say_erased
from codebook.run.answers.result_table import iter_tables, read_logprobs
from codebook.run.folder import RunFolder
from codebook.run.freezing import open_sample
from codebook.run.history import sum_seconds
from codebook.run.money import Costs, Meter, count_costs, say_file_costs
from codebook.run.state import say_anew
from codebook.scheme import Codebook

if TYPE_CHECKING:
    import pandas as pd

    from codebook.analysis.core.codings import Codings
    from codebook.analysis.core.result import Result
    from codebook.codings import People, Records, Transcripts


@all_in_words
class RunViews:
    """The reading half of a run."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.opened_as = folder.name
        self.record = folder.read_record()
        self.codebook: Codebook = folder.read_codebook()

    @property
    def name(self) -> str:
        """The run's name, which is also its folder's."""
        return self.folder.name

    @property
    def asked(self) -> Asking:
        """Engine, model, endpoint, draws and settings."""
        return Asking.from_record(self.record)

    @property
    def service(self) -> Service:
        """How whoever answers is called and waited for."""
        return read_service(self.record.get("service", {}))

    def __repr__(self) -> str:
        return f"<Run {self.name}>"

    @property
    def warnings(self) -> list[str]:
        """What should be known of how the texts were read: an encoding that was guessed."""
        encoding = self.record["units"].get("encoding") or {}
        if not encoding.get("guessed"):
            return []
        return [f"WARNING   {encoding['name']} is {encoding['how']}."]

    @property
    def leaves(self) -> tuple[str, ...]:
        """What goes where when this run is sent: texts, key and host, and what of it looks personal."""
        destination = Meter(self.asked).destination
        return (destination, *self.record.get("personal", ())) if destination else ()

    def units(self) -> Iterator[Unit]:
        """Yield the units of the run, asked or not."""
        return (unit for unit, _ in self.units_with_skips())

    def units_with_skips(self) -> Iterator[tuple[Unit, str | None]]:
        """Yield the units of the run, each with the reason why it is not asked, or None.

        Raises
        ------
        RecordError
            They are not those that the run was planned with.
        """
        check_units(self.folder.path, self.folder.read_record())
        return iter_units(self.folder.units_path)

    def table(self, columns: Sequence[str] = ()) -> pd.DataFrame:
        """Return the tidy table of the run: one row for each unit, variable and draw, answered or not.

        Parameters
        ----------
        columns
            Only these, which takes less memory.
        """
        import pandas as pd

        pieces = (table[list(columns)] if columns else table for table in self.iter_table())
        return pd.concat(pieces, ignore_index=True)

    def _lean_table(self) -> pd.DataFrame:
        """What codings need of the table, each repeated text held once."""
        from codebook.codings import OF_CODINGS, pile_pieces

        return pile_pieces(table[list(OF_CODINGS)] for table in self.iter_table())

    def iter_table(self) -> Iterator[pd.DataFrame]:
        """Yield the tidy table in pieces of some thousand rows, which together are more than memory may hold.

        Examples
        --------
        >>> import codebook as cb
        >>> cb.write_table(cb.open_run("topics").iter_table(), "table.parquet")
        'table.parquet: 12 rows of 17 columns.'
        """
        check_units(self.folder.path, self.folder.read_record())
        with self._ledger() as ledger:
            self._require_planned(ledger)
            yield from iter_tables(self.folder, self.codebook, ledger, self._model_finder(ledger))

    def _model_finder(self, ledger: Ledger) -> Callable[[str], str]:
        """What finds who is asked about a variable, when the first is wanted."""
        models = cache(partial(ledger.commonest_models, self.name))
        return lambda variable: self._find_model(models(), variable)

    def _find_model(self, models: Mapping[str, str], variable: str) -> str:
        """The model that gave most answers on a variable; where none did, that of all others, or the one asked."""
        return models.get(variable) or (min(models.values()) if len(set(models.values())) == 1 else self.asked.model)

    def codings(
        self,
        coders: str | Path | People = "",
        *,
        gold: str = "gold",
        models: Sequence[str] = (),
        sample: str = "",
        part: str = "test",
        unlock: bool = False,
        beside: Sequence[RunViews] = (),
    ) -> Codings:
        """Return the labels of the run, and of the people in `coders`, as the analysis takes them.

        Coders' names are without digests where they stay distinct. Abstentions of variables on a scale are set aside,
        and counted in the notes. The gold sample of the run, if one lies there, comes along with its chances.

        Parameters
        ----------
        coders
            A `coders.yaml`: the labels of people and other tools. What people coded by assignment in the project,
            with a codebook of this name, comes along; `People` names another folder, or none.
        gold
            The coder whose labels are the gold.
        models
            Coders of that file who are models and only gave labels.
        sample
            File of the gold sample; empty for the run's own, "none" for none.
        part, unlock
            Of the sample, `dev` or `test`. The test part is locked until prompt and codebook are final: it opens where
            the run asked what was frozen (`codebook freeze`), or with `unlock`.
        beside
            Other runs of the same variables, such as one with a paraphrased codebook: their labels come along, under
            the names of their coders with digests, and only units that all of the runs have are left.
        """
        from codebook.analysis.core.checks import release_memory
        from codebook.analysis.core.codings import Codings
        from codebook.codings import join_codings, read_people, set_aside_abstentions, shorten_coders

        ids = DistinctIds(lambda: (unit.unit_id for unit in self.units()))
        people = read_people(coders, self.codebook, units=ids, partial=is_part(self.record["units"]))
        codings = Codings(
            self._lean_table(),
            self.codebook.variables,
            gold=gold,
            models=tuple(models),
            sample=open_sample(self.folder, self.codebook, self.asked, file=sample, part=part, unlock=unlock),
            covariates=self._contexts,
            texts=_Texts(self.units),
            notes=tuple(self.notes),
            outputs=self.folder.path / "outputs",
        )
        if people is not None:
            codings = join_codings(codings, people)
        release_memory()
        codings = shorten_coders(set_aside_abstentions(codings, self.codebook))
        for run in beside:
            other = set_aside_abstentions(Codings(run._lean_table(), run.codebook.variables), run.codebook)
            both = codings.frame["unit_id"].isin(other.frame["unit_id"])
            n_out = codings.frame.loc[~both, "unit_id"].nunique()
            notes = [f"Left out: {say_count(n_out, 'unit')} that {run.name} does not have."] if n_out else []
            labels = replace(codings, frame=codings.frame[both], notes=(*codings.notes, *notes))
            codings = join_codings(labels, other)
        release_memory()
        return codings

    def records(self, name: str) -> Records:
        """Return the records of one list of the codebook, such as all entities, their quotes placed in the texts.

        Raises
        ------
        TableError
            The codebook has no such list.
        """
        from codebook.analysis.core.codings import Codings
        from codebook.codings import open_records

        outputs = self.folder.path / "outputs"
        table = self._lean_table()
        codings = Codings(table, self.codebook.variables, notes=tuple(self.notes), outputs=outputs)
        return open_records(codings, self.codebook, name, units=_Units(self.units))

    def transcripts(self, variable: str = "", draw: int = 0) -> Transcripts:
        """Return the transcript of each document, its parts joined and its pages checked.

        Raises
        ------
        TableError
            The run has several variables and none is named, or it has no transcriptions.
        """
        from codebook.codings import join_transcripts

        table, home = self.table(), self.folder.path
        return join_transcripts(table, units=self.units(), variable=variable, draw=draw, home=home)

    def count_retriable(self) -> int:
        """Count the questions that `retry` asks again where it is told no reasons."""
        with self._ledger() as ledger:
            return len(ledger.rows_to_retry(self.name, RETRIED, final=False))

    @property
    def notes(self) -> list[str]:
        """What should be known of the table: which version it is of, and units that were erased."""
        taken = say_version(self.folder.runs, self.opened_as, self.name)
        return [*filter(None, [taken]), *say_erased(self.record)]

    @property
    def version_notes(self) -> list[str]:
        """Which version of the run this is, and what it has otherwise than the one before; nothing of an only one."""
        version, taken = self.record.get("version"), say_version(self.folder.runs, self.opened_as, self.name)
        lines = [taken] * bool(taken)
        if version:
            differs = "; ".join(version["differs"]) or "nothing differs"
            lines.append(f"version {version['number']} of {version['of']}, after {version['before']}: {differs}")
        return lines

    def coverage(self, by: str = "") -> Result:
        """Return what was asked and what was answered, by coder and variable; it sums.

        Parameters
        ----------
        by
            A context column of the units: each of its values is counted apart, since refusals are not random.

        Raises
        ------
        StatisticError
            The units have no such context column.
        """
        from codebook.analysis.core.codings import Codings
        from codebook.codings import COLUMNS, coverage, shorten_coders

        codings = Codings(
            self.table(COLUMNS),
            self.codebook.variables,
            covariates=self._contexts,
            notes=tuple(self.notes),
            outputs=self.folder.path / "outputs",
        )
        return coverage(shorten_coders(codings), by)

    def _contexts(self) -> pd.DataFrame:
        """The context columns of the units, by unit_id."""
        import pandas as pd

        return pd.DataFrame.from_dict({unit.unit_id: dict(unit.context) for unit in self.units()}, orient="index")

    def logprobs(self) -> pd.DataFrame:
        """Return the log probability of each reply, where it was asked for: unit_id, variable, draw, logprob."""
        with self._ledger() as ledger:
            return read_logprobs(self.folder, ledger.iter_rows(self.name))

    def events(self) -> list[tuple[str, str, str]]:
        """Return what was done to the run: when (UTC), by which verb, and what came of it, errors of services too."""
        with self._ledger() as ledger:
            return ledger.events(self.name)

    def totals(self) -> dict[str, Any]:
        """Return the answers the run rests on, their tokens, and the models that gave them."""
        with self._ledger() as ledger:
            return ledger.totals(self.name)

    def costs(self) -> Costs:
        """Return what the questions to be asked will cost, live beside batch, and what was paid so far, in USD.

        What other runs asked for is told apart: it is not asked again. A price that is not known is missing; an engine
        that nobody charges for costs 0. The notes say what changed since the version before, and what is asked anew.
        Of images and documents they say what one has cost.
        """
        meter, paid = Meter(self.asked), defaultdict[str, float](float)
        with self._ledger() as ledger:
            rows = [row for row in ledger.jobs(self.name) if row.collected_at is None]
            shards = {self.folder.shards / row.file: row.n_requests for row in rows}
            costs, anew = count_costs(meter, ledger, self.name, shards), say_anew(ledger.count_anew(self.name))
            if meter.charges and next(self.units(), Unit("", "")).files:
                for row in ledger.iter_rows(self.name):
                    paid[row.unit_id] += row.cost_usd or 0.0
        notes = say_file_costs(self.units(), paid) if paid else ()
        return replace(costs, notes=(*self.version_notes, *anew, *costs.notes, *notes))

    def amounts(self) -> dict[str, float | None]:
        """The `cost` of its answers, whoever asked, what it `paid` itself (USD), and the `seconds` of its jobs.

        None is unknown.
        """
        with self._ledger() as ledger:
            seconds = sum_seconds((row.created_at, row.ended_at) for row in ledger.jobs(self.name))
            if not Meter(self.asked).charges:
                return {"cost": 0.0, "paid": 0.0, "seconds": seconds}
            return {
                "cost": ledger.cost_of_answers(self.name),
                "paid": ledger.money(self.name).known,
                "seconds": seconds,
            }

    def export(self) -> pd.DataFrame:
        """Write the table as xlsx, JSON lines and in the wide form into `exports/`; return what was written."""
        from codebook.codings import write_wide
        from codebook.outputs.readable import ReadableFrame

        table, folder = self.table(), self.folder.path / "exports"
        notes = [self.write_table(table, folder / f"{self.name}.{suffix}") for suffix in ("xlsx", "jsonl")]
        notes.append(write_wide(table, self.units(), folder / f"{self.name}-wide.csv"))
        return ReadableFrame({"written to " + show_path(folder): notes})

    def write_table(self, table: pd.DataFrame, path: str | Path, *, formulas: str = "keep") -> str:
        """Write a table of the run by the ending of the path; a workbook holds texts and codebook, too."""
        from codebook.codings import write_table

        if str(path).lower().endswith(".xlsx"):
            texts = {unit.unit_id: unit.text for unit in self.units()}
            return write_table(table, path, texts=texts, codebook=self.codebook)
        return write_table(table, path, formulas=formulas)

    def _ledger(self) -> Ledger:
        return self.folder.open_ledger()

    def _require_planned(self, ledger: Ledger) -> None:
        if not ledger.is_planned(self.name):
            raise RunError(f"Run {self.name!r} is not planned to its end. To mend: repeat the plan; it goes on.")


class _Units:
    """The units of a run, read from its folder as often as they are wanted."""

    def __init__(self, units: Callable[[], Iterator[Unit]]) -> None:
        self._units = units

    def __iter__(self) -> Iterator[Unit]:
        return self._units()


class _Texts(Mapping[str, str]):
    """Text of each unit, read from the run's folder when the first is wanted."""

    def __init__(self, units: Callable[[], Iterator[Unit]]) -> None:
        self._units = units

    @cached_property
    def _by_id(self) -> dict[str, str]:
        return {unit.unit_id: unit.text for unit in self._units()}

    def __getitem__(self, unit_id: str) -> str:
        return self._by_id[unit_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)
