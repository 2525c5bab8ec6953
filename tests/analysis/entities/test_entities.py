"""Entity resolution on the names of countries, of legislators, and on two bibliographies, all shipped."""

import re
from functools import cache
from pathlib import Path
from uuid import UUID

import numpy as np
import pandas as pd
import pytest

import codebook.analysis.entities as cb
from codebook.analysis.core.estimates import Bootstrap
from codebook.analysis.entities.clusters import cluster_pairs
from codebook.analysis.entities.shared_words import word_cover
from codebook.codings import read_names
from codebook.errors import ParameterError, TableError

DATA = Path(__file__).parents[3] / "data"
PERSONS = cb.FormRules(persons=True)
WIDE = cb.Blocking(neighbours=20)
NO_DRAWS = Bootstrap(0)
TRAPS = [("NER", "NGA"), ("COG", "COD"), ("PRK", "KOR"), ("DMA", "DOM"), ("GIN", "GNB"), ("GIN", "GNQ"), ("GNB", "GNQ")]
SHORT = ("A. Smith", "B. Moore", "D. Davis", "M. Kelly", "M. Miller", "R. Scott", "S. Lee")


def read(path):
    return pd.read_csv(DATA / path, dtype=str, keep_default_na=False)


@cache
def encode(texts):
    """Vectors of different texts by the multilingual encoder, one a text."""
    from codebook.engines.embedded.encoders import SideBySide, Use

    return SideBySide([Use()]).encode(texts)


def vectors_of(texts):
    distinct = tuple(dict.fromkeys(texts))
    rows = {text: row for row, text in enumerate(distinct)}
    return encode(distinct)[[rows[text] for text in texts]]


@pytest.fixture(scope="module")
def names():
    return read("er_country_names/mentions.csv")


@pytest.fixture(scope="module")
def vectors(names):
    return vectors_of(cb.plain_names(names["name"]))


@pytest.fixture(scope="module")
def listed(names, vectors):
    """Mentions with the list of display names, truth, and the pairs with their scores."""
    is_listed = (names["source_column"] == "CLDR display name").to_numpy()
    mentions, entities = (names[rows].reset_index(drop=True) for rows in (~is_listed, is_listed))
    truth = mentions.set_index("mention_id")["entity_id"]
    both = cb.Names(mentions, entities, truth, vectors[~is_listed], vectors[is_listed])
    return both, truth, cb.score_pairs(cb.candidate_pairs(both, WIDE), both)


@pytest.fixture(scope="module")
def alone(names, vectors):
    """The same names without a list, the truth, and the pairs with their scores."""
    one_list = cb.Names(names, vectors=vectors)
    scores = cb.score_pairs(cb.candidate_pairs(one_list, WIDE), one_list)
    return one_list, names.set_index("mention_id")["entity_id"], scores


def merged(found, truth):
    """Traps whose two countries share an entity."""
    gold = found["mention_id"].map(truth).to_numpy()
    ids = {code: set(found.loc[gold == code, "entity_id"].dropna()) for pair in TRAPS for code in pair}
    return [pair for pair in TRAPS if ids[pair[0]] & ids[pair[1]]]


def figure_of(frame, measure, name="f1"):
    return frame.set_index("measure").loc[measure, name]


# Names and ids


def test_equal_forms_of_countries_are_one_country(names):
    forms = names["name"].map(cb.normalise_form)
    assert names.groupby(forms)["entity_id"].nunique().max() == 1
    assert forms.nunique() < len(names) * 0.62


def test_an_id_is_the_same_on_every_machine():
    assert cb.entity_id("Niger (the)") == str(UUID(cb.entity_id("NIGER")))
    assert UUID(cb.entity_id("Niger")).version == 5
    assert cb.entity_id("Niger") == "f3ff602f-be71-525c-955b-3d7cd9536e94"
    assert cb.entity_id("Niger", "one study") != cb.entity_id("Niger", "another")


def test_accents_articles_and_stop_words_are_choices():
    assert cb.normalise_form("La Réunion", cb.FormRules(keep_accents=True)) == "réunion"
    assert cb.normalise_form("the Bank Ltd", cb.FormRules(keep_articles=True, stop_words=("Ltd",))) == "the bank"
    assert cb.normalise_form("The") == "the", "a name of stop words alone keeps them"


# Pairs and scores


@pytest.mark.slow
def test_blocking_finds_nearly_every_country(listed):
    both, truth, scores = listed
    hit = scores["right"].to_numpy() == truth[scores["left"]].to_numpy()
    assert scores.loc[hit, "left"].nunique() / len(both.mentions) > 0.97
    assert len(scores) < 0.2 * len(both.mentions) * len(both.entities)


def test_mentions_of_one_form_are_looked_up_once(names, alone):
    _, _, scores = alone
    tied = scores[scores["found_by"] == "form"]
    assert len(tied) == len(names) - names["name"].map(cb.normalise_form).nunique()
    looked_at = scores[scores["found_by"] != "form"]
    assert not set(looked_at["left"]) & set(tied["right"])
    assert (looked_at["left_form"] != looked_at["right_form"]).all()


def test_columns_keep_equal_titles_apart():
    papers = pd.DataFrame({"mention_id": ["a", "b", "c"], "name": ["Editor's Notes"] * 3, "year": [1999, 2001, 2001]})
    names = cb.Names(papers)
    pairs = cb.candidate_pairs(names, cb.Blocking(beside=["year"]))
    assert dict(zip(pairs["right"], pairs["found_by"], strict=True)) == {"b": "characters", "c": "form"}
    scores = cb.score_pairs(pairs, names, compare={"year": "year"}).set_index("right")
    assert scores.loc["b", "same_year"] == pytest.approx(1 / 3)


def test_an_index_finds_the_same_neighbours(names, vectors):
    pytest.importorskip("usearch")
    some = cb.Names(names.head(150), vectors=vectors[:150])
    exact, index = (cb.candidate_pairs(some, cb.Blocking(exact=way)) for way in (True, False))
    both = exact.merge(index, on=["left", "right"])
    assert len(both) > 0.98 * len(exact)


def test_a_missing_value_says_nothing():
    left = pd.DataFrame({"mention_id": ["a"], "name": ["Ann Lee"], "state": [""], "age": [np.nan]})
    right = pd.DataFrame({"entity_id": ["x"], "name": ["Ann Lee"], "state": ["WA"], "age": [40]})
    compare = {"state": "exact", "age": "number"}
    names = cb.Names(left, right)
    scores = cb.score_pairs(cb.candidate_pairs(names), names, compare=compare)
    assert scores[["same_state", "same_age"]].isna().all().all()
    assert cb.combine_scores(scores)["score"].notna().all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.rename(columns={"name": "title"}), "rename the columns"),
        (lambda frame: frame.assign(mention_id="a"), "occurs twice"),
        (lambda frame: frame.assign(name=["", *frame["name"][1:]]), "fill in the name"),
    ],
)
def test_a_bad_frame_is_told_with_its_mend(names, change, message):
    with pytest.raises(TableError, match=message):
        cb.Names(change(names.head(3)))


def test_vectors_must_fit_their_names(names, vectors):
    with pytest.raises(ParameterError, match="one vector per row"):
        cb.Names(names, vectors=vectors[:-1])
    with pytest.raises(ParameterError, match="pass both"):
        cb.Names(names, names, vectors=vectors)


# Thresholds


def test_an_entity_is_in_one_half_whatever_else_is_there(names):
    truth = names.set_index("mention_id")["entity_id"]
    halves = cb.split_entities(truth)
    assert halves.groupby(truth).nunique().max() == 1
    assert 0.4 < (halves == "test").mean() < 0.6
    assert cb.split_entities(truth.iloc[:100]).equals(halves.iloc[:100])
    assert not cb.split_entities(truth, seed=2).equals(halves)


def test_weights_and_threshold_do_not_see_the_test_half(listed):
    _, truth, scores = listed
    halves = cb.split_entities(truth)
    spoilt = scores.copy()
    rows = (halves[spoilt["left"]] == "test").to_numpy()
    spoilt.loc[rows, ["cosine", "token_sort", "word_overlap"]] = 0.5
    assert cb.fit_pairs(spoilt, truth) == cb.fit_pairs(scores, truth)
    curves = [
        cb.pair_curve(frame.assign(score=frame["cosine"]), truth, names=["score"], resample=NO_DRAWS)
        for frame in (scores, spoilt)
    ]
    assert cb.choose_threshold(curves[0].frame) == cb.choose_threshold(curves[1].frame)
    assert not np.isclose(cb.chosen_figures(curves[0].frame)["f1"], cb.chosen_figures(curves[1].frame)["f1"]).all()


def test_the_curve_counts_pairs_that_blocking_lost(alone):
    _, truth, scores = alone
    few = scores[(scores["found_by"] == "form") | (scores["cosine"] > 0.9)].assign(score=1.0)
    curve = cb.pair_curve(few, truth, names=["score"], resample=NO_DRAWS).frame
    assert curve["recall"].max() < 0.4
    forms = scores.loc[scores["found_by"] == "form", "right"]
    sizes = truth.drop(forms).value_counts()
    assert curve.groupby("half")["n_true"].first().sum() == (sizes * (sizes - 1) // 2).sum()


def test_the_curve_beats_the_baseline_and_has_intervals(listed):
    _, truth, scores = listed
    curve = cb.pair_curve(cb.combine_scores(scores, cb.fit_pairs(scores, truth)), truth, resample=Bootstrap(200)).frame
    found = cb.chosen_figures(curve).set_index("score")
    assert found.loc["score", "f1_low"] > found.loc["word_overlap", "f1_high"]
    assert found.loc["score", "f1"] > 0.9
    assert (found["f1_low"] < found["f1"]).all()
    assert (found["f1"] < found["f1_high"]).all()
    sure = cb.choose_threshold(curve, precision=0.99)
    assert sure > cb.choose_threshold(curve)
    with pytest.raises(ParameterError, match="ask for less"):
        cb.choose_threshold(curve, precision=1.1)


def test_the_figure_shows_the_test_half_and_the_chosen_threshold(listed):
    _, truth, scores = listed
    result = cb.pair_curve(cb.combine_scores(scores), truth, resample=Bootstrap(20))
    curve, (first, second) = result.frame, result.plot().axes
    test = curve[(curve["half"] == "test") & (curve["score"] == "score")]
    drawn = {line.get_label(): line.get_ydata() for line in first.get_lines()}
    assert np.allclose(drawn["F1"], test["f1"])
    assert second.get_title(loc="left") == "Shared words (baseline)"
    at = cb.choose_threshold(curve)
    assert any(list(line.get_xdata()) == [at, at] for line in first.get_lines())
    shown = f"{cb.chosen_figures(curve)['f1'].iloc[0]:.2f}".lstrip("0")
    assert any(f"F1 {shown} [" in text.get_text() for text in first.texts)
    best = cb.chosen_figures(curve)
    assert f"F1 of pairs {shown} [" in result.finding, "the figure and the sentence say the same"
    assert len(result.printed()) == len(best) == 2


# Against a list


@pytest.mark.parametrize("labelled", [False, True])
def test_countries_of_a_list_are_found_and_the_traps_are_not_merged(listed, labelled):
    both, truth, scores = listed
    used = cb.combine_scores(scores, cb.fit_pairs(scores, truth) if labelled else None)
    curve = cb.pair_curve(used, truth, resample=NO_DRAWS).frame
    accept = cb.choose_threshold(curve, precision=0.99) if labelled else None
    found = cb.link_mentions(both, used, cb.LinkRules(accept=accept))
    links = cb.evaluate_links(found, truth, half="test", resample=Bootstrap(200)).frame
    assert figure_of(links, "links", "precision") > 0.98
    assert figure_of(links, "links") > (0.9 if labelled else 0.87)
    assert merged(found, truth) == []
    words = scores.assign(score=scores["word_overlap"])
    baseline = cb.link_mentions(both, words, cb.LinkRules(accept=0.06, ask=False))
    assert figure_of(links, "links", "f1_low") > figure_of(
        cb.evaluate_links(baseline, truth, half="test", resample=NO_DRAWS).frame, "links"
    )
    assert merged(baseline, truth)


def test_congo_and_korea_go_to_a_person_with_both_candidates(listed):
    both, _, scores = listed
    found, entities = cb.link_mentions(both, cb.combine_scores(scores)), both.entities
    table = cb.review_table(found).set_index("name")
    assert set(table.loc["Congo", ["candidate", "runner_up"]]) == {"Congo - Brazzaville", "Congo - Kinshasa"}
    assert set(table.loc["Republic of Korea", ["candidate", "runner_up"]]) == {"North Korea", "South Korea"}
    assert table["why"].str.len().min() > 10
    assert found.loc[found["decision"] == "review", "entity_id"].isna().all()
    assert found.loc[found["decision"] == "matched", "entity_id"].isin(entities["entity_id"]).all()
    niger = found.set_index("name").loc["NIGER"]
    assert (niger["entity_id"], niger["decision"]) == ("NER", "matched")


def test_short_forms_of_two_legislators_go_to_a_person_with_both():
    names, people = read("er_us_legislators/mentions.csv"), read("er_us_legislators/entities.csv")
    people = people.rename(columns={"official_full": "name"})
    mentions = names[names["form"] == "initial_last"].reset_index(drop=True)
    found = cb.resolve_entities(cb.Names(mentions, people, rules=PERSONS)).frame
    gold = names.groupby("name")["entity_id"].agg(set)
    for name in SHORT:
        rows = found[found["name"] == name]
        assert set(rows["decision"]) == {"review"}, name
        assert all({row.candidate_id, row.runner_up_id} == gold[name] for row in rows.itertuples()), name
    truth = mentions.set_index("mention_id")["entity_id"]
    assert figure_of(cb.evaluate_links(found, truth, resample=NO_DRAWS).frame, "links", "precision") > 0.99


@pytest.mark.slow
def test_papers_of_two_bibliographies_are_linked_one_to_one():
    """A quarter of the papers, to be quick; `benchmarks/entities.py` takes them all."""
    left = read("er_dblp_acm/dblp.csv").rename(columns={"id": "mention_id", "title": "name"}).head(650)
    right = read("er_dblp_acm/acm.csv").rename(columns={"id": "entity_id", "title": "name"})
    matches = read("er_dblp_acm/matches.csv").set_index("dblp_id")["acm_id"]
    truth = matches.reindex(left["mention_id"])
    right = right[right["entity_id"].isin(truth.dropna()) | (right.index < 400)].reset_index(drop=True)
    names = cb.Names(left, right, truth, vectors_of(list(left["name"])), vectors_of(list(right["name"])))
    resolution = cb.resolve_entities(
        names,
        rules=cb.LinkRules(one_to_one=True),
        blocking=cb.Blocking(neighbours=5),
        compare={"authors": "text", "year": "year"},
        resample=Bootstrap(100),
    )
    best = cb.chosen_figures(resolution.threshold.frame).set_index("score")
    assert best.loc["score", "f1_low"] > 0.95
    assert best.loc["score", "f1"] > best.loc["word_overlap", "f1"]
    found = resolution.frame
    assert found.loc[found["decision"] == "matched", "entity_id"].is_unique
    assert figure_of(cb.evaluate_links(found, truth, half="test", resample=NO_DRAWS).frame, "links") > 0.98


def test_a_name_that_the_list_lacks_is_new_or_asked_about(listed):
    both, truth, scores = listed
    gone = scores[scores["right"].isin(sorted(set(both.entities["entity_id"]))[::2])]
    found = cb.link_mentions(both, cb.combine_scores(gone))
    lacking = ~found["mention_id"].map(truth).isin(gone["right"]).to_numpy()
    assert (found.loc[lacking, "decision"] == "matched").mean() < 0.15
    new = found[found["decision"] == "new"]
    assert len(new)
    assert (new["entity_id"] == new["name"].map(cb.entity_id)).all()


# Without a list


@pytest.mark.parametrize("labelled", [False, True])
def test_countries_without_a_list_are_clustered_and_the_traps_are_not_merged(alone, labelled):
    whole, truth, scores = alone
    used = cb.combine_scores(scores, cb.fit_pairs(scores, truth) if labelled else None)
    accept = cb.choose_threshold(cb.pair_curve(used, truth, resample=NO_DRAWS).frame) if labelled else None
    found = cb.link_mentions(whole, used, cb.LinkRules(accept=accept))
    assert merged(found, truth) == []
    measured = cb.evaluate_clusters(found, truth, half="test", resample=Bootstrap(100)).frame
    assert figure_of(measured, "pairwise", "precision") > 0.95
    assert figure_of(measured, "b_cubed") > (0.85 if labelled else 0.7)
    words = scores.assign(score=scores["word_overlap"])
    plain = cb.link_mentions(whole, words, cb.LinkRules(accept=0.22, ask=False))
    baseline = cb.evaluate_clusters(plain, truth, half="test", resample=Bootstrap(100)).frame
    for measure in ("pairwise", "b_cubed"):
        assert figure_of(measured, measure, "f1_low") > figure_of(baseline, measure, "f1_high"), measure


def test_ids_are_the_same_in_another_order(alone):
    whole, _, scores = alone
    used = cb.combine_scores(scores)
    found = cb.link_mentions(whole, used)
    again = cb.link_mentions(whole, used.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(found, again)
    taken = found.dropna(subset="entity_id").drop_duplicates("entity_id")
    assert (taken["entity_id"] == taken["canonical"].map(cb.entity_id)).mean() > 0.99


def test_a_source_that_names_an_entity_once_keeps_its_names_apart(names, alone):
    whole, _, scores = alone
    found = cb.link_mentions(whole, cb.combine_scores(scores), cb.LinkRules(source="source_column"))
    known = found.assign(source=names["source_column"]).dropna(subset="entity_id")
    assert not known.duplicated(["entity_id", "source"]).any()
    with pytest.raises(TableError, match="`source`"):
        cb.link_mentions(whole, cb.combine_scores(scores), cb.LinkRules(source="language"))


def test_one_short_form_of_two_persons_is_not_merged_without_a_list_either():
    full = ["Adam Smith", "Smith, Adam", "Adrian Smith", "Adrian M. Smith", "A. Smith", "Mary Lee", "M. Lee"]
    mentions = pd.DataFrame({"mention_id": list("abcdefg"), "name": full})
    names = cb.Names(mentions, rules=PERSONS)
    used = cb.combine_scores(cb.score_pairs(cb.candidate_pairs(names), names), weights={"cover": 1, "token_sort": 1})
    found = cb.link_mentions(names, used, cb.LinkRules(accept=0.8)).set_index("name")
    assert found.loc["A. Smith", "decision"] == "review"
    both = found.loc["A. Smith", ["candidate", "runner_up"]]
    assert {name.split()[0] for name in both} == {"Adam", "Adrian"}
    assert found.loc["Adam Smith", "entity_id"] == found.loc["Smith, Adam", "entity_id"]
    assert found.loc["Adam Smith", "entity_id"] != found.loc["Adrian Smith", "entity_id"]


def test_clusters_do_not_chain():
    chain = [(row, row + 1, 0.9) for row in range(9)]
    assert len(set(cluster_pairs(10, chain, 0.6))) > 4
    assert len(set(cluster_pairs(10, [(a, b, 0.9) for a in range(10) for b in range(a)], 0.6))) == 1
    assert cluster_pairs(3, [(0, 1, 0.9), (0, 2, 0.8), (1, 2, 0.9)], 0.6, barred={(0, 1)}) == [0, 1, 1]


# How good


def test_measures_of_clusters_are_those_of_the_definition():
    truth = dict(zip("abcdefg", "xxxyyzz", strict=True))
    found = pd.DataFrame({"mention_id": list("abcdefg"), "entity_id": list("1122345"), "decision": "matched"})
    found.loc[3, "decision"] = "review"
    measured = cb.evaluate_clusters(found, truth, resample=NO_DRAWS).frame.set_index("measure")
    # clusters: ab, c (d is in review, so alone), d, e, f, g; pairs found: ab; true: ab, ac, bc, de, fg
    assert measured.loc["pairwise", ["precision", "recall"]].tolist() == [1, 0.2]
    assert measured.loc["b_cubed", "precision"] == 1
    assert measured.loc["b_cubed", "recall"] == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 4 * 0.5) / 7)
    assert measured.loc["exact_cluster", "f1"] == 0
    assert measured["review_share"].tolist() == [pytest.approx(1 / 7)] * 3


def test_twelve_entities_without_an_error_do_not_show_that_there_is_none():
    names = [f"m{at}" for at in range(24)]
    found = pd.DataFrame({"mention_id": names, "entity_id": [str(at // 2) for at in range(24)]})
    truth = dict(zip(names, found["entity_id"], strict=True))
    frame = cb.evaluate_clusters(found, truth).frame
    for name in ("precision", "recall", "f1"):
        assert (frame[[name, f"{name}_high"]] == 1).all(axis=None)
        assert frame[f"{name}_low"].between(0.7, 0.95).all()


def test_links_count_the_mentions_that_the_list_has():
    truth = {"a": "x", "b": "y", "c": None, "d": "y"}
    found = pd.DataFrame({"mention_id": list("abcd"), "entity_id": ["x", "x", "x", None]})
    found = found.assign(decision=["matched"] * 3 + ["review"], candidate_id="x", runner_up_id=["", "", "", "y"])
    row = cb.evaluate_links(found, truth, resample=NO_DRAWS).frame.iloc[0]
    assert (row["precision"], row["recall"]) == (pytest.approx(1 / 3), pytest.approx(1 / 3))
    assert (row["review_share"], row["review_hit"]) == (0.25, 1)


def test_a_mention_without_truth_is_told(listed):
    _, truth, scores = listed
    with pytest.raises(TableError, match="missing where it has none"):
        cb.pair_curve(cb.combine_scores(scores), truth.iloc[5:])


# The whole in one call


def test_one_call_gives_what_the_steps_give(listed):
    both, truth, scores = listed
    resolution = cb.resolve_entities(both, blocking=WIDE, precision=0.99, resample=Bootstrap(20))
    steps = cb.combine_scores(scores, cb.fit_pairs(scores, truth))
    accept = cb.choose_threshold(cb.pair_curve(steps, truth, resample=NO_DRAWS).frame, precision=0.99)
    assert resolution.rules.accept == accept
    pd.testing.assert_frame_equal(resolution.frame, cb.link_mentions(both, steps, cb.LinkRules(accept=accept)))
    pd.testing.assert_frame_equal(resolution.review.frame, cb.review_table(resolution.frame))
    ways = resolution.evaluation.frame.set_index("way")
    assert ways.loc["all scores", "f1"] > ways.loc["shared words (baseline)", "f1"]
    assert "Shared words (baseline): F1" in resolution.evaluation.finding
    assert resolution.weights.frame["weight"].abs().is_monotonic_decreasing
    assert set(resolution.grey_pairs().frame["left"]) <= set(resolution.review.frame["mention_id"]) | set(
        resolution.frame.loc[resolution.frame["decision"] == "review", "mention_id"]
    )
    assert sum(int(n.replace(",", "")) for n in re.findall(r"([\d,]+) (?:matched|new|left)", f"{resolution}")) == 1018


def test_names_without_truth_say_that_nothing_tells_how_good_they_are():
    mentions = pd.DataFrame({"mention_id": list("abc"), "name": ["Niger (the)", "NIGER", "France"]})
    resolution = cb.resolve_entities(cb.Names(mentions))
    for result in (resolution.threshold, resolution.evaluation):
        assert "No truth is known" in result.facts.nothing
    assert resolution.review.facts.nothing == "No name is left to a person."
    assert resolution.spellings.frame[["canonical", "n_forms"]].to_numpy().tolist() == [["NIGER", 2], ["France", 1]]


def test_names_are_read_from_a_table_and_its_list_is_told_by_the_source(names):
    read_back = read_names(DATA / "er_country_names/mentions.csv", listed="CLDR display name")
    is_listed = (names["source_column"] == "CLDR display name").to_numpy()
    assert read_back.entities["name"].tolist() == names.loc[is_listed, "name"].tolist()
    assert read_back.truth.tolist() == names.loc[~is_listed, "entity_id"].tolist()
    assert read_names(DATA / "er_country_names/mentions.csv").entities is None


def test_the_cover_of_words_does_not_depend_on_the_order_of_a_set():
    weights, covers = (0.1, 0.2, 0.3, 0.7, 1.0, 0.05), set()
    for letters in ("abcdef", "ghijkl", "mnopqr", "stuvwx", "zyxwvu"):
        words = [letter * 3 for letter in letters]
        shares = word_cover([" ".join(words)], [words[0]], dict(zip(words, weights, strict=True)))
        covers.add(tuple(shares[0]))
    assert len(covers) == 1


def test_the_score_and_the_candidate_of_a_matched_name_are_of_its_own_entity(names):
    for rules in (cb.LinkRules(), cb.LinkRules(ask=False, accept=0.55)):
        frame = cb.resolve_entities(cb.Names(names.head(300)), rules=rules).frame
        matched = frame[frame["decision"] == "matched"]
        assert len(matched) > 150
        assert (matched["candidate_id"] == matched["entity_id"]).all()
        assert (matched["candidate"] == matched["canonical"]).all()
        assert (
            matched["runner_up_id"].dropna() != matched["entity_id"].loc[matched["runner_up_id"].dropna().index]
        ).all()
    aruba = cb.resolve_entities(cb.Names(names.head(300))).frame.set_index("name").loc["ARUBA"]
    assert (aruba["candidate"], aruba["score"], aruba["runner_up"]) == ("ARUBA", 1.0, "CUBA"), "by an equal form"


def test_a_truth_that_is_a_table_is_told_with_its_mend(names):
    truth = names[["mention_id", "entity_id"]]
    for call in (
        lambda: cb.Names(names, truth=truth),
        lambda: cb.split_entities(truth),
        lambda: cb.evaluate_clusters(names, truth),
    ):
        with pytest.raises(ParameterError, match=r"table with 2 columns.*set_index\('mention_id'\)\['entity_id'\]"):
            call()
