"""Entity resolution on the three data sets that ship: precision, recall, F1 beside the words baseline, and seconds.

    python benchmarks/entities.py                # all three
    python benchmarks/entities.py papers         # one of countries, legislators, papers
    python benchmarks/entities.py index          # candidates without a list by an index, beside all pairs

Weights and thresholds come from one half of the entities, every figure from the other half ("test"); "unlabelled" is
the weighted mean of the scores at the default thresholds. Intervals are 95 % bootstraps over entities. Seconds include
the encoding of the names on this machine.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd
from memory import peak_mb
from numpy.typing import NDArray

from codebook.analysis import entities as room
from codebook.engines.embedded.encoders import MiniLM, SideBySide, TextEncoder, Use

DATA = Path(__file__).parents[1] / "data"
PERSONS = room.FormRules(persons=True)


class Task(NamedTuple):
    """What is resolved: with `entities` against a list, else without one; `source` names a column of clean lists."""

    name: str
    mentions: pd.DataFrame
    truth: pd.Series
    encoder: type[TextEncoder]
    entities: pd.DataFrame | None = None
    rules: room.FormRules = room.FormRules()
    neighbours: int = 20
    source: str = ""
    hints: str = ""
    compare: Mapping[str, str] = MappingProxyType({})
    one_to_one: bool = False


def read(path: str) -> pd.DataFrame:
    return pd.read_csv(DATA / path, dtype=str, keep_default_na=False)


def countries() -> list[Task]:
    """The display names as the list and all other names as mentions; and all names without a list."""
    names = read("er_country_names/mentions.csv")
    truth, listed = names.set_index("mention_id")["entity_id"], names["source_column"] == "CLDR display name"
    others = names[~listed].reset_index(drop=True)
    return [
        Task("countries, list", others, truth[others["mention_id"]], Use, names[listed].reset_index(drop=True)),
        Task("countries, no list", names, truth, Use),
        Task("countries, no list, sources", names, truth, Use, source="source_column"),
    ]


def legislators() -> list[Task]:
    """The official names as the list, with chamber, state and party as hints; and all names without a list."""
    names = read("er_us_legislators/mentions.csv")
    people = read("er_us_legislators/entities.csv").rename(columns={"official_full": "name"})
    people["about"] = people["chamber"].str.strip(".") + " " + people["state"] + " " + people["party"]
    truth = names.set_index("mention_id")["entity_id"]
    others = names[names["form"] != "official_full"].reset_index(drop=True)
    own = truth[others["mention_id"]]
    return [
        Task("legislators, list", others, own, MiniLM, people, PERSONS, 10, hints="about"),
        Task("legislators, no list", names, truth, MiniLM, rules=PERSONS),
        Task("legislators, no list, sources", names, truth, MiniLM, rules=PERSONS, source="form"),
    ]


def papers() -> list[Task]:
    """Two clean lists, one to one."""
    left = read("er_dblp_acm/dblp.csv").rename(columns={"id": "mention_id", "title": "name"})
    right = read("er_dblp_acm/acm.csv").rename(columns={"id": "entity_id", "title": "name"})
    matches = read("er_dblp_acm/matches.csv").set_index("dblp_id")["acm_id"]
    truth, how = matches.reindex(left["mention_id"]), {"authors": "text", "year": "year"}
    return [Task("papers, one to one", left, truth, Use, right, neighbours=5, compare=how, one_to_one=True)]


TASKS = {"countries": countries, "legislators": legislators, "papers": papers}


def encode(names: pd.Series, encoder: SideBySide, task: Task) -> NDArray[np.float64]:
    """Vectors, one a row; countries in plain order and case, the rest as they stand."""
    texts = room.plain_names(names, task.rules) if task.name.startswith("countries") else list(names)
    distinct = {text: row for row, text in enumerate(dict.fromkeys(texts))}
    vectors = encoder.encode(list(distinct))
    return vectors[[distinct[text] for text in texts]]


def resolve(task: Task) -> pd.DataFrame:
    """One row a way: unlabelled, labelled, and the baseline, on the half of the entities kept for it."""
    start, worked = time.perf_counter(), time.process_time()
    encoder = SideBySide([task.encoder()])
    vectors = encode(task.mentions["name"], encoder, task)
    near = None if task.entities is None else encode(task.entities["name"], encoder, task)
    encoded = time.perf_counter()
    names = room.Names(task.mentions, task.entities, task.truth, vectors, near, task.rules)
    pairs = room.candidate_pairs(names, room.Blocking(task.neighbours))
    scores = room.score_pairs(pairs, names, compare=task.compare, hints=task.hints)
    labelled = room.combine_scores(scores, room.fit_pairs(scores, task.truth))
    curve = room.pair_curve(labelled, task.truth, one_to_one=task.one_to_one).frame
    # With a list that has everybody, F1 asks for no threshold at all; a wrong link costs more than a question.
    aim = 0.99 if task.entities is not None else 0.0
    ways = {
        "labelled": (labelled, room.choose_threshold(curve, precision=aim), True),
        "unlabelled": (room.combine_scores(scores), None, True),
        "words, labelled": (
            scores.assign(score=scores["word_overlap"]),
            room.choose_threshold(curve, "word_overlap"),
            False,
        ),
    }
    rows = []
    for way, (used, accept, ask) in ways.items():
        source = task.source if ask else ""
        rules = room.LinkRules(accept=accept, source=source, one_to_one=task.one_to_one, ask=ask)
        decided = room.link_mentions(names, used, rules)
        judge = room.evaluate_clusters if task.entities is None else room.evaluate_links
        taken, _ = rules.thresholds(listed=task.entities is not None)
        rows.append(judge(decided, task.truth, half="test").frame.assign(way=way, accept=taken))
        report_traps(task, way, decided)
    done = time.perf_counter()
    print(
        f"{task.name}: {len(pairs):,} pairs; encoding {encoded - start:.1f} s, the rest {done - encoded:.1f} s",
        f"({time.process_time() - worked:.1f} s of processor)",
    )
    print(show(room.chosen_figures(curve), ["score", "threshold"]), "\n")
    return pd.concat(rows, ignore_index=True).assign(task=task.name)


def compare_index() -> None:
    """Candidates of names without a list: those that an index finds, of those that comparing all finds."""
    for task in (countries()[1], legislators()[1]):
        vectors = encode(task.mentions["name"], SideBySide([task.encoder()]), task)
        names = room.Names(task.mentions, None, task.truth, vectors, None, task.rules)
        found, seconds = {}, {}
        for exact in (True, False):
            worked = time.process_time()
            found[exact] = room.candidate_pairs(names, room.Blocking(task.neighbours, exact=exact))
            seconds[exact] = time.process_time() - worked
        keys = {exact: set(zip(pairs["left"], pairs["right"], strict=True)) for exact, pairs in found.items()}
        recall = len(keys[True] & keys[False]) / len(keys[True])
        true = {pair for pair in keys[True] if task.truth[pair[0]] == task.truth[pair[1]]}
        print(
            f"{task.name}, {len(task.mentions):,} names: {len(keys[True]):,} pairs by comparing all in",
            f"{seconds[True]:.1f} s,",
            f"by an index {seconds[False]:.1f} s and recall {recall:.4f}, of pairs that are one entity",
            f"{len(true & keys[False]) / len(true):.4f}",
        )


TRAPS = (("NER", "NGA"), ("COG", "COD"), ("PRK", "KOR"), ("DMA", "DOM"), ("GIN", "GNB"), ("GIN", "GNQ"), ("GNB", "GNQ"))
SHORT = ("A. Smith", "B. Moore", "D. Davis", "M. Kelly", "M. Miller", "R. Scott", "S. Lee")


def report_traps(task: Task, way: str, found: pd.DataFrame) -> None:
    """Say which traps were walked into."""
    gold = found["mention_id"].map(task.truth)
    if task.name.startswith("countries"):
        ids = {code: set(found.loc[(gold == code).to_numpy(), "entity_id"].dropna()) for pair in TRAPS for code in pair}
        print(f"  {way}: merged", [pair for pair in TRAPS if ids[pair[0]] & ids[pair[1]]] or "none of the traps")
    if task.name.startswith("legislators"):
        short = found[found["name"].isin(SHORT)]
        print(f"  {way}: {(short['decision'] == 'review').sum()} of {len(short)} ambiguous short forms in review")


def show(frame: pd.DataFrame, keys: list[str]) -> str:
    """Figures with their intervals."""
    shown = frame[keys].copy()
    for name in ("precision", "recall", "f1"):
        low, high = frame[f"{name}_low"], frame[f"{name}_high"]
        shown[name] = [f"{v:.3f} [{a:.3f}, {b:.3f}]" for v, a, b in zip(frame[name], low, high, strict=True)]
    return shown.join(frame[[name for name in ("review_share", "review_hit") if name in frame]].round(3)).to_string(
        index=False
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(TASKS)}; all where none is named")
    names = parser.parse_args().names or list(TASKS)
    if "index" in names:
        compare_index()
    for name in names:
        for task in TASKS[name]() if name in TASKS else ():
            print(show(resolve(task), ["way", "measure", "accept"]), "\n")
    print(f"peak memory {peak_mb():.0f} MB")


if __name__ == "__main__":
    main()
