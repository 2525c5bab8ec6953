from __future__ import annotations

import sys
from io import BytesIO
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codebook.analysis.core.result import Result
from codebook.analysis.core.standard_errors import wilson_interval
from codebook.analysis.vectors import (
    cluster_groups,
    cluster_vectors,
    map_vectors,
    near_duplicates,
    nearest,
    neighbour_agreement,
    neighbours,
    similarity_blocks,
)
from codebook.analysis.vectors.maps import plot_map
from codebook.errors import MissingExtraError, StatisticError


def draw(n: int, d: int = 8, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)


def groups(sizes: tuple[int, ...], d: int = 16, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Vectors around far centres, in mixed order, and the group of each."""
    rng = np.random.default_rng(seed)
    truth = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    return np.eye(d)[truth] + 0.05 * rng.standard_normal((len(truth), d)), truth


def cosine(one: np.ndarray, two: np.ndarray) -> float:
    return float(one @ two / (np.linalg.norm(one) * np.linalg.norm(two)))


def same_groups(one: np.ndarray, two: np.ndarray) -> bool:
    return ((one[:, None] == one) == (two[:, None] == two)).all()


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks so small that every array here has several."""
    monkeypatch.setattr(similarity_blocks, "BLOCK_ROWS", 7)
    monkeypatch.setattr(similarity_blocks.iter_blocks, "__defaults__", (7,))
    monkeypatch.setattr(neighbours, "_QUERY_ROWS", 3)


@pytest.mark.parametrize("k", [1, 5, 50])
def test_the_nearest_are_those_of_a_plain_sort(small_blocks, k):
    vectors, queries = draw(40), draw(10, seed=2)
    result = nearest(vectors, queries, k)
    frame = result.frame
    for query, found in frame.groupby("query"):
        cosines = np.array([cosine(queries[query], vector) for vector in vectors])
        order = np.argsort(-cosines)[:k]
        assert found["row"].tolist() == order.tolist()
        assert found["rank"].tolist() == list(range(1, len(order) + 1))
        assert np.allclose(found["cosine"], cosines[order], atol=2e-6)
    assert frame["query"].nunique() == 10
    assert result.facts.exact is True
    assert result.facts.versions["numpy"] == np.__version__


def test_a_query_that_is_a_row_itself_is_left_out_also_where_others_equal_it(small_blocks):
    vectors = np.vstack([draw(20), draw(20)[:1]])  # the last is the first once more
    frame = nearest(vectors, vectors, 3, self_rows=np.arange(21)).frame
    assert (frame["row"] != frame["query"]).all()
    assert frame.groupby("query").size().eq(3).all()
    first = frame[(frame["query"] == 0) & (frame["rank"] == 1)]
    assert first["row"].item() == 20
    assert first["cosine"].item() == pytest.approx(1, abs=2e-6)


def test_an_index_finds_what_comparing_all_finds():
    pytest.importorskip("usearch")
    vectors, truth = groups((300, 300, 300), d=32)
    by_index = nearest(vectors, vectors[:50], 10, exact=False)
    exact, asked = nearest(vectors, vectors[:50], 10).frame, by_index.frame
    assert by_index.facts.exact is False
    assert by_index.facts.index["connectivity"] == 16
    both = exact.merge(asked, on=["query", "row"])
    assert len(both) >= 0.95 * len(exact)
    assert np.allclose(both["cosine_x"], both["cosine_y"], atol=1e-5)
    assert (truth[asked["row"]] == truth[asked["query"]]).all()
    alone = nearest(vectors, vectors[:1], 10, exact=False).frame
    assert alone["row"].tolist() == asked.loc[asked["query"] == 0, "row"].tolist()


def test_many_pairs_are_given_to_an_index_and_few_are_not(monkeypatch):
    pytest.importorskip("usearch")
    monkeypatch.setattr(neighbours, "MOST_EXACT", 100)
    assert nearest(draw(20), draw(5), 2).facts.exact is True
    assert nearest(draw(21), draw(5), 2).facts.exact is False


def test_without_the_extra_the_message_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "usearch.index", None)
    with pytest.raises(MissingExtraError, match=r"codebook-kit\[index\]"):
        nearest(draw(9), draw(2), 2, exact=False)


def test_near_duplicates_are_all_pairs_at_or_above_the_threshold(small_blocks):
    vectors = np.vstack([draw(30, 4), draw(30, 4) + 0.1 * draw(30, 4, seed=3)])
    frame = near_duplicates(vectors, 0.9).frame
    expected = {(i, j) for i, j in combinations(range(60), 2) if cosine(vectors[i], vectors[j]) >= 0.9}
    assert set(zip(frame["first"], frame["second"], strict=True)) == expected
    assert len(frame) == len(expected) > 30
    assert frame["cosine"].is_monotonic_decreasing
    assert frame["cosine"].min() >= 0.9


def test_an_index_finds_the_near_pairs_that_comparing_all_finds_with_the_same_cosines(small_blocks):
    pytest.importorskip("usearch")
    rng = np.random.default_rng(5)
    vectors = draw(300, 16)
    vectors = np.vstack([vectors, vectors[:60] + 0.05 * rng.standard_normal((60, 16)), np.tile(vectors[:1], (40, 1))])
    exact, by_index = (near_duplicates(vectors, 0.95, exact=way) for way in (True, False))
    both = exact.frame.merge(by_index.frame, on=["first", "second"])
    assert np.allclose(both["cosine_x"], both["cosine_y"], atol=2e-6)
    assert len(exact.frame) > 60 + 40 * 41 / 2 - 5
    assert len(by_index.frame) == len(both) >= 0.98 * len(exact.frame)
    assert "an index, which may miss some" in by_index.finding
    assert (exact.facts.exact, by_index.facts.exact) == (True, False)
    with pytest.raises(StatisticError, match="raise it, or raise `most`"):
        near_duplicates(vectors, 0.95, exact=False, most=len(by_index.frame) - 1)
    assert len(near_duplicates(vectors, 0.95, exact=False, most=len(by_index.frame)).frame) == len(by_index.frame)


def test_equal_vectors_are_duplicates_at_a_threshold_of_one():
    vectors = np.vstack([draw(5), draw(5)[2:3]])
    assert near_duplicates(vectors, 1.0).frame[["first", "second"]].to_numpy().tolist() == [[2, 5]]


def test_too_many_pairs_are_refused_with_the_mend():
    with pytest.raises(StatisticError, match="raise it, or raise `most`"):
        near_duplicates(np.ones((50, 3)), 0.5, most=1000)
    assert len(near_duplicates(np.ones((50, 3)), 0.5, most=1225).frame) == 1225


@pytest.mark.parametrize("how", [{"k": 3}, {"threshold": 0.5}])
def test_clusters_are_the_groups_that_there_are_the_largest_first(how):
    vectors, truth = groups((40, 25, 10))
    result = cluster_vectors(vectors, **how)
    frame = result.frame
    assert same_groups(frame["cluster"].to_numpy(), truth)
    assert frame["cluster"].value_counts().sort_index().tolist() == [40, 25, 10]
    assert (frame["cosine"] > 0.9).all()
    assert result.facts.n_clusters == 3
    assert frame["row"].tolist() == list(range(75))


@pytest.mark.parametrize("how", [{"k": 3}, {"threshold": 0.5}])
def test_clusters_are_the_same_again_and_numbered_alike_in_another_order(how):
    vectors, _ = groups((30, 20, 10))
    frame = cluster_vectors(vectors, **how).frame
    assert frame.equals(cluster_vectors(vectors.copy(), **how).frame)
    order = np.random.default_rng(5).permutation(60)
    assert (
        cluster_vectors(vectors[order], **how).frame["cluster"].to_numpy() == frame["cluster"].to_numpy()[order]
    ).all()


def test_average_linkage_is_that_of_joining_the_nearest_two_again_and_again():
    vectors = draw(24, 5)
    rows = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    for threshold in (0.2, 0.5, 0.8):
        parts = [[row] for row in range(24)]
        while len(parts) > 1:
            pairs = list(combinations(range(len(parts)), 2))
            means = [float((rows[parts[a]] @ rows[parts[b]].T).mean()) for a, b in pairs]
            if max(means) < threshold:
                break
            a, b = pairs[int(np.argmax(means))]
            parts[a] += parts.pop(b)
        truth = np.zeros(24, dtype=int)
        for number, part in enumerate(parts):
            truth[part] = number
        found = cluster_vectors(vectors, threshold=threshold).frame["cluster"].to_numpy()
        assert same_groups(found, truth), threshold


@given(st.integers(1, 12), st.integers(0, 3))
def test_k_clusters_are_k_clusters_even_of_equal_vectors(k, seed):
    vectors = np.vstack([np.ones((8, 3)), draw(4, 3)])
    assert sorted(cluster_vectors(vectors, k=k, seed=seed).frame["cluster"].unique()) == list(range(k))


@pytest.mark.parametrize(
    ("how", "mend"),
    [
        ({}, "pass k=10, or threshold"),
        ({"k": 2, "threshold": 0.5}, "pass k=10, or threshold"),
        ({"k": 0}, "pass a number from 1 to 9"),
        ({"k": 10}, "pass a number from 1 to 9"),
        ({"threshold": 2}, "a number up to 1"),
    ],
)
def test_a_request_that_cannot_be_met_says_the_mend(how, mend):
    with pytest.raises(StatisticError, match=mend):
        cluster_vectors(draw(9), **how)


@pytest.mark.parametrize(
    ("wrong", "mend"),
    [
        (np.zeros((0, 3)), "such as Vectors.array"),
        (np.zeros(3), "such as Vectors.array"),
        (np.array([["a"]]), "such as Vectors.array"),
        (np.array([[1, np.inf, 0, 0]]), "embed their texts again"),
        (np.zeros((2, 3)), "the same model and number of dimensions"),
    ],
)
def test_arrays_that_are_no_vectors_are_refused(wrong, mend):
    with pytest.raises(StatisticError, match=mend):
        nearest(draw(5, 4), wrong, 2)


def test_the_map_is_that_of_all_eigenvectors_and_has_no_chance_in_it():
    vectors = draw(200, 60) * np.linspace(3, 1, 60) + 1
    result = map_vectors(vectors)
    frame = result.frame
    rows = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    values, axes = np.linalg.eigh(np.cov(rows.T, bias=True))
    for place, name in enumerate("xy", start=1):
        expected = (rows - rows.mean(axis=0)) @ axes[:, -place]
        assert np.allclose(np.abs(frame[name]), np.abs(expected), atol=1e-4)
        assert result.facts.explained[place - 1] == pytest.approx(values[-place] / values.sum(), abs=1e-4)
    assert frame.equals(map_vectors(np.asfortranarray(vectors)).frame)
    assert np.allclose(map_vectors(5 * vectors).frame, frame, atol=1e-5)


def test_a_map_of_vectors_without_spread_is_one_point():
    result = map_vectors(np.ones((5, 3)))
    assert np.allclose(result.frame, 0, atol=1e-5)
    assert result.facts.explained == (0, 0)


def make_map(n: int = 120) -> pd.DataFrame:
    vectors, truth = groups((n // 2, n // 3, n // 6))
    frame = map_vectors(vectors).frame
    return frame.assign(group=np.array(["war", "art", "$x$"])[truth], text=[f"text {row} $a_b$" for row in range(n)])


def test_every_vector_has_its_mark_in_the_form_of_its_group():
    frame = make_map()
    axes = plot_map(frame, hue="group", explained=(0.3, 0.2)).axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["war (60)", "art (40)", "$x$ (20)"]
    drawn = [marks.get_offsets() for marks in axes.collections]
    for name, marks in zip(["war", "art", "$x$"], drawn, strict=True):
        assert np.allclose(marks, frame.loc[frame["group"] == name, ["x", "y"]])
    forms = {marks.get_paths()[0].vertices.tobytes() for marks in axes.collections}
    assert len(forms) == 3, "told apart in grey by their form"
    assert axes.get_xlabel() == "component 1 (30.0 % of the variance)"


def test_texts_stand_beside_their_points_and_cover_no_other_text():
    frame = make_map()
    figure = plot_map(frame, hue="group", label="text", labelled=6)
    axes = figure.axes[0]
    figure.savefig(BytesIO(), format="png")
    whole = axes.get_window_extent()
    boxes = [text.get_window_extent() for text in axes.texts]
    assert 3 <= len(boxes) <= 6
    assert not any(one.overlaps(two) for one, two in combinations(boxes, 2))
    for text, box in zip(axes.texts, boxes, strict=True):
        assert whole.x0 <= box.x0 <= box.x1 <= whole.x1
        assert whole.y0 <= box.y0 <= box.y1 <= whole.y1
        row = int(text.get_text().split()[1])
        assert np.allclose(text.xy, frame.loc[row, ["x", "y"]].to_numpy(float))
        assert not text.get_parse_math()


def test_categories_keep_their_order_and_too_many_groups_are_refused():
    frame = make_map()
    frame["group"] = pd.Categorical(frame["group"], ["art", "none", "$x$", "war"])
    legend = plot_map(frame, hue="group").axes[0].get_legend()
    assert [text.get_text().split()[0] for text in legend.get_texts()] == ["art", "$x$", "war"]
    frame["many"] = [f"g{row % 9}" for row in range(len(frame))]
    with pytest.raises(StatisticError, match="put the rarest together"):
        plot_map(frame, hue="many")
    with pytest.raises(StatisticError, match="no 'nowhere'"):
        plot_map(frame, hue="nowhere")


def test_neighbours_are_alike_where_groups_are_apart_and_by_chance_where_they_are_not():
    vectors, truth = groups((40, 30, 20))
    apart = neighbour_agreement(vectors, truth, 3).frame
    assert (apart[["value", "high"]] == 1).all(axis=None)
    assert apart["low"].tolist() == [pytest.approx(wilson_interval(90, 90)[0])] * 3
    chance = np.mean([truth[i] == truth[j] for i in range(90) for j in range(90) if i != j])
    assert apart["chance"].to_numpy() == pytest.approx(chance)
    mixed = np.random.default_rng(3).permutation(truth)
    result = neighbour_agreement(vectors, mixed, 3)
    frame = result.frame
    assert ((frame["low"] <= frame["value"]) & (frame["value"] <= frame["high"])).all()
    assert (frame["value"] - frame["chance"]).abs().max() < 0.15
    assert frame.equals(neighbour_agreement(vectors, mixed, 3).frame)
    assert result.facts.n_units == 90
    assert "Intervals of 95 % are Wilson's" in result.note
    with pytest.raises(StatisticError, match="give a label per vector"):
        neighbour_agreement(vectors, truth[:50], 3)
    assert (
        neighbour_agreement(vectors, "").facts.nothing == "There are no groups: nothing to hold the neighbours against."
    )


# Vectors of texts: what is known of them stands beside what is said of their rows


class Texts:
    """What `embed_texts` returns, as analysis sees it."""

    def __init__(self, folder, n=40):
        self.array, truth = groups((n // 2, n // 4, n // 4))
        self.texts = tuple(f"text {row}" for row in range(n))
        self.fields = pd.DataFrame({"unit_id": map(str, range(n)), "topic": np.array(["war", "art", "sea"])[truth]})
        self.outputs = folder / "outputs"

    def rows(self, texts):
        return np.array([self.texts.index(text) for text in texts])


def test_results_show_the_texts_and_are_saved_with_the_run_of_the_vectors(tmp_path):
    texts = Texts(tmp_path)
    search = nearest(texts, texts.array[:2], 3)
    assert search.frame["text"].tolist() == [texts.texts[row] for row in search.frame["row"]]
    assert search.frame["topic"].tolist() == texts.fields["topic"].iloc[search.frame["row"]].tolist()
    twins = near_duplicates(texts, 0.9)
    assert list(twins.printed()) == ["First text", "Second text", "Cosine"]
    alike = neighbour_agreement(texts, "topic", 3)
    assert "same topic in 1.00" in alike.finding
    for result in (search, twins, alike, map_vectors(texts, hue="topic", label="text")):
        assert isinstance(result, Result)
        result.save()
        assert (tmp_path / "outputs" / f"{result.name}.csv").is_file()
    with pytest.raises(StatisticError, match="have it in their context"):
        neighbour_agreement(texts, "party")


def test_clusters_are_held_against_groups(tmp_path):
    texts = Texts(tmp_path)
    clusters = cluster_vectors(texts, like="topic")
    assert clusters.facts.n_clusters == 3
    by_topic = cluster_groups(clusters, "topic")
    assert by_topic.frame[["art", "sea", "war"]].to_numpy().sum() == 40
    assert (by_topic.frame[["art", "sea", "war"]].max(axis=1) == [20, 10, 10]).all()
    assert "100 % of the vectors" in by_topic.finding
    members = clusters.frame
    for row in by_topic.frame.itertuples():
        best = members.loc[members[members["cluster"] == row.cluster]["cosine"].idxmax()]
        assert row.typical == best["text"]
    with pytest.raises(StatisticError, match="no 'party' is known"):
        cluster_groups(clusters, "party")
