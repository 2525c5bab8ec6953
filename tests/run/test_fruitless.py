"""Runs and preflights in which nothing, or not all, can be used: what is said, and with what a command ends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fakes.fake_openai import FakeOpenAI
from fakes.service import MODEL, TEXTS, check_sums, finish, plan_batch

from codebook.cli import main
from codebook.dialects import write_reply
from codebook.dialects.resultlines import find_twice, read_json
from codebook.run import preflight
from codebook.scheme import read_codebook
from codebook.tasks import make_questions
from codebook.tasks.question import MENDS, WRAPPED
from codebook.units import read_units

GOOD = '{"label":"coal"}'
WRAPPINGS = {
    "a think block": f"<think>\nIt is about coal.\n</think>\n{GOOD}",
    "a code fence": f"```json\n{GOOD}\n```",
    "the same JSON twice": f"{GOOD}\n{GOOD}",
    "JSON as a text": '"{\\"label\\":\\"coal\\"}"',
    "extra fields": '{"label":"coal","reason":"fuel"}',
    "words around the JSON": f"Here it is: {GOOD}",
    "a think block and a code fence": f"Hm.</think>```\n{GOOD}\n```",
}


def answer(fake: FakeOpenAI, reply: Callable[[str], str | None]) -> None:
    """Let the service answer with this text where there is one."""

    def respond(line: dict[str, Any]) -> dict[str, Any] | None:
        said = reply(str(line["body"]))
        return None if said is None else write_reply(line["url"], MODEL, said, request_id="r", usage=(10, 5))

    fake.answerer.reply = respond


@pytest.mark.parametrize("way", WRAPPINGS)
def test_r31_replies_that_are_all_wrapped_alike_are_said_once_with_an_example_and_the_mend(
    fake: FakeOpenAI, way: str
) -> None:
    answer(fake, lambda _: WRAPPINGS[way])
    run = finish(plan_batch(fake))
    assert check_sums(run) == {"invalid": 6}
    (warning,) = [said for said in run.status().warnings if "wrapped" in said]
    assert warning.startswith(f"6 of 6 replies are invalid since their answer is wrapped in {way}, such as unit 'u0'")
    assert "coal" in warning
    assert all(MENDS[part] in warning for part in way.split(" and "))
    assert str(run.status()).count("wrapped in") == 1
    assert set(run.table()["raw"]) == {WRAPPINGS[way]}, "nothing is taken off"
    assert run.table()["detail"].str.endswith(WRAPPED + way).all()


def test_r31_a_few_that_are_wrapped_are_no_pattern_and_a_terminal_is_safe(fake: FakeOpenAI) -> None:
    answer(fake, lambda body: f"\x1b[31m```\n{GOOD}\n```" if "number 1" in body else None)
    run = finish(plan_batch(fake))
    assert "wrapped" not in str(run.status())
    answer(fake, lambda _: f"\x1b[31m{GOOD}")
    odd = finish(plan_batch(fake, ["one", "two"], run="odd"))
    assert "wrapped in words around the JSON" in str(odd.status())
    assert "\x1b" not in str(odd.status())


def test_r31_what_is_no_answer_inside_is_not_called_wrapped() -> None:
    book = read_codebook(Path(__file__).parents[2] / "data" / "topics_sib200_en" / "codebook.yaml")
    (question,) = make_questions(book).values()
    for text in ('```json\n{"label":"chess"}\n```', "I think coal.", "```", '{"a":1}', "<think>", '"x"', "{" * 200):
        assert WRAPPED not in question.read_label(text).detail, text


def test_r05_of_several_messages_the_one_that_fits_counts_and_two_that_differ_do_not() -> None:
    from codebook.dialects.replies import MESSAGES

    book = read_codebook(Path(__file__).parents[2] / "data" / "topics_sib200_en" / "codebook.yaml")
    (question,) = make_questions(book).values()
    one, other = (question.write_answer(label) for label in book.variables[0].labels[:2])
    assert question.read_label(MESSAGES.join(["Let me see.", one])).label == book.variables[0].labels[0]
    assert question.read_label(MESSAGES.join([one, "That is all."])).label == book.variables[0].labels[0]
    assert question.read_label(MESSAGES.join([one, f" {one}"])).label == book.variables[0].labels[0]
    assert question.read_label(MESSAGES.join([one, other])).detail == "two different answers"
    assert question.read_label(MESSAGES.join(["hm", "ha"])).detail == "the reply is not JSON"


@pytest.mark.parametrize(
    ("text", "twice"),
    [
        ('{"a": {"b" : 1, "b": 2}}', "b"),
        (r'{"a":"he said \"b\": no","b":1}', ""),
        (r'{"a":"\u0022:","b":[{"c":1},{"c":2}]}', ""),
        ('{"a":' * 300 + '{"b":1,"b":2}' + "}" * 300, "b"),
        ('{"a":[{"b":1,"c":{"d":[]}},{"b":1,"b":true}]}', ""),
    ],
)
def test_a_field_that_stands_twice_is_found_wherever_it_stands(text: str, twice: str) -> None:
    assert find_twice(text, read_json(text)) == twice


@pytest.mark.parametrize("texts", [["{0},{1}"], ["{0}", "{1}"]], ids=["a key twice", "two choices"])
def test_two_answers_in_one_reply_are_none_and_the_same_one_twice_is_one(fake: FakeOpenAI, texts: list[str]) -> None:
    for run, (first, second) in {"one": ("coal", "sports"), "two": ("coal", "coal")}.items():

        def respond(line: dict[str, Any], pair: tuple[str, str] = (first, second)) -> dict[str, Any]:
            fields = [f'"label":"{label}"' for label in pair]
            said = ["{" + text.format(*fields) + "}" for text in texts]
            body = write_reply(line["url"], MODEL, said[0], request_id="r", usage=(10, 5))
            more = write_reply(line["url"], MODEL, said[-1], request_id="r", usage=(10, 5))["choices"]
            body["choices"] += [more[0] | {"index": 1}] if len(said) > 1 else []
            return body

        fake.answerer.reply = respond
        collected = finish(plan_batch(fake, TEXTS[:2] if run == "one" else ["Once.", "More."], run=run))
        if first == second:
            assert check_sums(collected) == {"": 2}
            assert set(collected.table()["label"]) == {"coal"}
        else:
            assert check_sums(collected) == {"invalid": 2}
            assert collected.table()["detail"].str.startswith("two different answers").all()
            assert collected.table()["raw"].str.contains("sports").all(), "the record has both"


# --- preflight


def units_file(project: Path, *texts: str) -> Path:
    path = project / "units.csv"
    path.write_text("id,text\n" + "".join(f"{n},{text}\n" for n, text in enumerate(texts)), encoding="utf-8")
    return path


def ask_first(fake: FakeOpenAI, path: Path) -> Any:
    from fakes.scripted import make_book

    source = read_units(path, id_column="id", text_column="text")
    return preflight(make_book("topic"), source, model=MODEL, options={"base_url": fake.base_url})


@pytest.mark.parametrize("order", ["refuse", "outside", "notjson"])
def test_r40_a_preflight_without_a_usable_reply_fails(fake: FakeOpenAI, project: Path, order: str) -> None:
    path = units_file(project, *(f"[{order}] text {n}" for n in range(3)))
    found = ask_first(fake, path)
    assert not found.ok
    assert "(3 of 3)" in str(found.faults[0])
    book = Path(__file__).parents[2] / "data" / "topics_sib200_en" / "codebook.yaml"
    words = ["preflight", "--codebook", str(book), "--units", str(path), "--id", "id", "--text", "text"]
    shown = CliRunner().invoke(main, [*words, "--model", MODEL, "--base-url", fake.base_url])
    assert shown.exit_code == 1, shown.output
    assert "The preflight failed" in shown.output
    assert "Done." not in shown.output


def test_r40_a_preflight_with_some_usable_replies_warns(fake: FakeOpenAI, project: Path) -> None:
    found = ask_first(fake, units_file(project, "coal", "[outside] a", "[refuse] b"))
    assert found.ok
    assert sorted(str(warning).split(" (")[0] for warning in found.warnings) == ["topic, invalid", "topic, refused"]
    assert "warning: topic, invalid (1 of 3)" in str(found)


def test_r40_a_preflight_asks_again_what_was_refused_for_good(fake: FakeOpenAI, project: Path) -> None:
    path = units_file(project, "one", "two")
    fake.fault("chat", "status", times=2, status=404, message="no such model", code="model_not_found")
    assert "404: model_not_found" in str(ask_first(fake, path).faults[0])
    assert ask_first(fake, path).ok


# --- exit codes


@pytest.mark.parametrize("order", ["500", "refuse", "outside", "truncate", "drop"])
@pytest.mark.parametrize("words", [["collect", "one"], ["collect", "one", "--wait"], ["submit", "one", "--wait"]])
def test_r42_a_run_in_which_nothing_was_labelled_is_no_success(fake: FakeOpenAI, order: str, words: list[str]) -> None:
    run = plan_batch(fake, [f"[{order}] {n}" for n in range(3)])
    if words[0] == "collect":
        run.submit()
    shown = CliRunner().invoke(main, words)
    assert shown.exit_code == 1
    assert "nothing was labelled: 3 asked = 0 labelled + 3" in shown.output
    assert "Done." not in shown.output
    assert "Nothing was labelled: 3 asked" in run.status().advice


def test_r42_a_study_whose_run_labelled_nothing_is_no_success(
    fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every step may have ended well: steps with nothing to compare say so and are done."""
    from codebook.execute.study import StudyResult

    runs = {"bad": ["[500] a"], "good": ["coal"]}
    for name, texts in runs.items():
        folder = finish(plan_batch(fake, texts, run=name)).folder.path
        done = StudyResult("done", 0, (), folder)
        monkeypatch.setattr("codebook.execute.run_study", lambda *_, done=done, **__: done)
        shown = CliRunner().invoke(main, ["execute", "study.yaml"])
        assert shown.exit_code == (1 if name == "bad" else 0), shown.output
        assert ("nothing was labelled" in shown.output) == (name == "bad")


def test_r42_a_cancelled_run_is_no_success_and_one_with_a_label_is(fake: FakeOpenAI) -> None:
    plan_batch(fake).cancel()
    assert CliRunner().invoke(main, ["collect", "one"]).exit_code == 1
    plan_batch(fake, [*TEXTS, "[500] x"], run="two").submit()
    shown = CliRunner().invoke(main, ["collect", "two"])
    assert shown.exit_code == 0
    assert "Done. 1 question has no answer: retry asks" in shown.output
