"""The form in a notebook without a browser: what a copy shows, and how messages are answered."""

from __future__ import annotations

import pytest

import codebook as cb
from codebook.coding import assign, write_assignment
from codebook.coding.form import form_script, form_style
from codebook.records import Unit
from codebook.scheme import parse_codebook
from codebook.widgets import CodingForm, show_coding_form

BOOK = parse_codebook("""
name: posts
unit: a post
variables:
  - {name: topic, question: "Which topic?", kind: single, level: nominal, categories: [coal, sports]}
""")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CODEBOOK_PROJECT", str(tmp_path))
    units = [Unit(f"u{n}", f"text {n}") for n in range(40)]
    write_assignment(assign(units, ["ann", "ben"]), BOOK, units, study="trial")
    return tmp_path / "coding"


def message(form: CodingForm, **fields) -> dict:
    return {"seq": 1, "client": "w", "token": form.session.token, "shown_ms": 500, "act": "label", **fields}


def test_a_copy_shows_what_is_assigned_and_done(folder):
    form = cb.widgets.show_coding_form("ann", folder)
    form.session.label("sports")
    form.session.flag()
    form.session.skip("in Dutch")
    bundle = form._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    text = bundle["text/plain"]
    assert text.startswith("ann, main: 1 of 40 units coded, 38 left, 1 skipped, 1 flagged.")
    assert "sports" in text
    assert "flagged, skipped in Dutch" in text
    assert text.count("to do") == 10
    assert "The first 12 are listed." in bundle["text/html"]
    form.close()


def test_where_a_front_end_is_the_form_stands_beside_the_table(folder, monkeypatch):
    for place in ("coding_form", "board"):
        monkeypatch.setattr(f"codebook.widgets.{place}.has_front_end", lambda: True)
    form = show_coding_form("ann", folder)
    data, _ = form._repr_mimebundle_()
    assert set(data) == {"text/plain", "text/html", "application/vnd.jupyter.widget-view+json"}
    monkeypatch.setattr("codebook.widgets.coding_form.can_show", lambda package: False)
    assert "pip install" in form._repr_mimebundle_()["text/plain"]
    form.close()


def test_every_window_hears_of_an_answer_and_who_asked(folder):
    form = show_coding_form("ann", folder)
    sent = []
    form.widget.send = sent.append
    form._answer(message(form, variable="topic", label="coal"))
    assert sent[0]["client"] == "w"
    assert (sent[0]["view"]["ack"], sent[0]["view"]["progress"]["done"]) == (1, 1)
    form.close()
    assert sent[-1]["gone"]


def test_what_goes_wrong_is_said_in_the_form(folder, monkeypatch):
    form = show_coding_form("ann", folder)
    sent = []
    form.widget.send = sent.append

    def fail(_):
        raise OSError("the disk is full")

    monkeypatch.setattr(form.session, "act", fail)
    form._answer(message(form, variable="topic", label="coal"))
    assert sent[0]["view"]["message"] == {"kind": "error", "text": "Not saved. OSError: the disk is full"}
    form.close()


def test_a_cell_that_is_run_again_goes_on_writing(folder):
    first = show_coding_form("ann", folder)
    first.session.label("coal")
    second = show_coding_form("ann", folder)
    second.session.label("coal")
    assert second.session.progress()["done"] == 2
    assert not second.session.log.read_only
    second.close()


def test_the_script_is_one_module_without_html_and_addresses():
    script, style = form_script(), form_style()
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "http:", "https:"):
        assert word not in script, word
    assert "url(" not in style
    assert "@import" not in style
    assert script.count("export ") == 1
