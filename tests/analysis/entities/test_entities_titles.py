"""Names that are titles: products of two shops that are made here, and papers; the defaults beside a tuned matcher."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from codebook.analysis.core.estimates import Bootstrap
from codebook.analysis.entities import LinkRules, Names, resolve_entities, score_pairs, split_entities
from codebook.analysis.entities.blocking import candidate_pairs
from codebook.codings import read_names

DATA = Path(__file__).parents[3] / "data" / "er_dblp_acm"
BRANDS = ["canon", "nikon", "sony", "panasonic", "samsung", "toshiba", "philips", "garmin", "logitech", "sharp"]
KINDS = ["digital camera", "camcorder", "lcd tv", "wireless router", "laser printer", "microwave oven", "headphones"]
LINES = ["powershot", "coolpix", "cybershot", "lumix", "bravia", "viera", "nuvi", "aquos", "elite", "prestige"]
EXTRAS = ["with remote", "energy star", "refurbished", "1080p", "3x optical zoom", "portable", "compact", "dual band"]
FEW = Bootstrap(10)


def make_products(n: int = 300, seed: int = 1) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """Titles of one shop, of another, and which of them are the same product; two in five are like the one before."""
    chance, first, second = random.Random(seed), [], []
    for place in range(n):
        if place == 0 or chance.random() > 0.4:
            brand, kind, line = chance.choice(BRANDS), chance.choice(KINDS), chance.choice(LINES)
        number = f"{''.join(chance.choices('ABCDKPSTX', k=2))}-{chance.randint(10, 999)}{chance.choice(['', 'X', 'S'])}"
        price = chance.uniform(20, 900)
        first.append((f"a{place}", f"{brand} {line} {kind} - {number}", round(price, 2)))
        parts = [brand, number.replace("-", "") if chance.random() < 0.6 else number]
        parts += [part for part in (line, kind, *chance.sample(EXTRAS, 2)) if chance.random() < 0.6]
        second.append((f"b{place}", " ".join(parts), round(price * chance.uniform(0.95, 1.05), 2)))
    mentions = pd.DataFrame(first, columns=["mention_id", "name", "price"])
    listed = pd.DataFrame(
        [row for place, row in enumerate(second) if place % 7], columns=["entity_id", "name", "price"]
    )
    truth = pd.Series({f"a{place}": f"b{place}" if place % 7 else "" for place in range(n)})
    return mentions, listed, truth


def read_papers(n: int = 600) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    left = pd.read_csv(DATA / "acm.csv", dtype=str).rename(columns={"id": "mention_id", "title": "name"}).head(n)
    right = pd.read_csv(DATA / "dblp.csv", dtype=str).rename(columns={"id": "entity_id", "title": "name"})
    matches = pd.read_csv(DATA / "matches.csv", dtype=str).drop_duplicates("acm_id").set_index("acm_id")["dblp_id"]
    truth = matches.reindex(left["mention_id"]).fillna("")
    return left, right[right["entity_id"].isin(truth) | (right.index < n)].reset_index(drop=True), truth


def match_tuned(mentions: pd.DataFrame, listed: pd.DataFrame, truth: pd.Series) -> float:
    """F1 on one half of tf-idf of 3 to 5 characters, each other's best or not, threshold chosen on the other half."""
    vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True)
    right = vectors.fit_transform(listed["name"])
    cosines = (vectors.transform(mentions["name"]) @ right.T).toarray()
    best, score = cosines.argmax(axis=1), cosines.max(axis=1)
    mutual = cosines.argmax(axis=0)[best] == np.arange(len(mentions))
    known = truth.reindex(mentions["mention_id"]).to_numpy()
    right_pair, halves = listed["entity_id"].to_numpy()[best] == known, split_entities(truth)[mentions["mention_id"]]

    def rate(half: str, least: float, each_other: bool) -> float:
        inside = (halves == half).to_numpy()
        linked = inside & (score >= least) & (mutual | (not each_other))
        return float(2 * (linked & right_pair).sum() / (linked.sum() + (inside & (known != "")).sum()))

    grid = [(least, both) for least in np.linspace(0.1, 0.9, 81) for both in (False, True)]
    _, *chosen = max((rate("choose", *point), *point) for point in grid)
    return rate("test", *chosen)


@pytest.mark.parametrize(("kind", "seed"), [("products", 1), ("products", 7), ("papers", 0)])
def test_defaults_are_as_good_as_a_tuned_matcher_of_characters_and_ask_of_few(kind: str, seed: int) -> None:
    mentions, listed, truth = make_products(seed=seed) if kind == "products" else read_papers()
    found = resolve_entities(Names(mentions, listed, truth), resample=FEW).evaluation.frame.iloc[0]
    assert found["f1"] > match_tuned(mentions, listed, truth) - 0.03
    assert found["review_share"] < 0.1


def test_where_nobody_is_asked_nothing_is_left_open_one_to_one_too() -> None:
    names = Names(*make_products(150))
    frame = resolve_entities(names, rules=LinkRules(one_to_one=True, ask=False), resample=FEW).frame
    assert set(frame["decision"]) == {"matched", "new"}
    assert frame["entity_id"].notna().all()
    assert frame.loc[frame["decision"] == "matched", "entity_id"].is_unique


def test_a_precision_out_of_reach_is_said_and_the_best_threshold_taken() -> None:
    mentions, listed, truth = make_products(150)
    twins = pd.concat([listed, listed.assign(entity_id=listed["entity_id"] + "x")], ignore_index=True)
    resolution = resolve_entities(Names(mentions, twins, truth), precision=0.999, resample=FEW)
    assert any(note.startswith("No threshold has a precision of 0.999") for note in resolution.threshold.remarks)
    assert 0 < resolution.rules.accept < 1
    assert len(resolution.evaluation.frame) == 2


def test_numbers_are_compared_by_their_ratio_and_years_by_their_distance() -> None:
    mentions = pd.DataFrame({"mention_id": ["a"], "name": ["tv"], "price": ["400"], "year": ["1999"]})
    listed = pd.DataFrame({"entity_id": ["x"], "name": ["tv"], "price": ["390"], "year": ["2000"]})
    names = Names(mentions, listed)
    scores = score_pairs(candidate_pairs(names), names, compare={"price": "number", "year": "year"})
    assert scores["same_price"].tolist() == [0.975]
    assert scores["same_year"].tolist() == [0.5]


def test_any_two_tables_are_read_by_the_names_of_their_columns(tmp_path: Path) -> None:
    mentions, listed, truth = make_products(60)
    own = {"mention_id": "sku", "name": "title", "entity_id": "code"}
    mentions.assign(entity_id=truth.to_numpy()).rename(columns=own).to_csv(tmp_path / "a.csv", index=False)
    listed.rename(columns=own).to_csv(tmp_path / "b.csv", index=False)
    columns = [f"{name}: {other}" for name, other in own.items()]
    names = read_names(tmp_path / "a.csv", tables={"entities": tmp_path / "b.csv"}, columns=columns)
    assert (len(names.mentions), len(names.others)) == (60, len(listed))
    own |= {"mention_id": "sku", "entity_id": "sku", "entities.name": "product", "pairs.mention_id": "left"}
    listed.rename(columns={"entity_id": "sku", "name": "product"}).to_csv(tmp_path / "c.csv", index=False)
    mentions.rename(columns=own).to_csv(tmp_path / "d.csv", index=False)
    pairs = pd.DataFrame({"left": mentions["mention_id"], "entity_id": truth.to_numpy()})
    pairs[pairs["entity_id"] != ""].to_csv(tmp_path / "true.csv", index=False)
    files = [f"entities: {tmp_path / 'c.csv'}", f"pairs: {tmp_path / 'true.csv'}"]
    columns = [f"{name}: {other}" for name, other in (own | {"pairs.entity_id": "entity_id"}).items()]
    same = read_names(tmp_path / "d.csv", columns=columns, tables=files, about="products of two shops")
    pd.testing.assert_frame_equal(same.others[["entity_id", "name"]], names.others[["entity_id", "name"]])
    assert same.truth.fillna("").tolist() == names.truth.tolist()
    resolution = resolve_entities(same, compare=["price: number"], resample=FEW)
    assert all(
        result.title.endswith(": products of two shops")
        for result in (resolution.threshold, resolution.entities, resolution.evaluation, resolution.weights)
    )
    assert "same_price" in resolution.scores
    assert (resolution.frame["decision"] == "matched").mean() > 0.7
