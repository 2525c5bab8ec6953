"""The form as a served page: who comes in, who does not, and that every act is done once."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from coding_studies import BOOK, TOPICS, make_coding_study
from commands import Command
from form_client import FormClient

from codebook.coding import KnownAnswer, add_training
from codebook.coding.coding_log import read_acts
from codebook.coding.serving.doorkeeper import Doorkeeper, Place
from codebook.coding.serving.form_requests import MAX_BYTES
from codebook.coding.serving.form_server import FormServer, serve_adjudication, serve_coders
from codebook.coding.session_opening import open_session
from codebook.errors import MachineError, ParameterError
from codebook.records import Unit, UnitFile
from codebook.scheme import parse_codebook

N_UNITS = 12


@pytest.fixture
def served(project: Path) -> Iterator[FormServer]:
    """The form for two coders."""
    make_coding_study(N_UNITS)
    with serve_coders() as server:
        yield server


@pytest.fixture
def ann(served: FormServer) -> FormClient:
    """The first coder's browser, with the page open."""
    client = FormClient(served.addresses["ann"]).enter()
    client.open()
    return client


def labels_of(coder: str) -> list[tuple[str, str]]:
    acts, torn = read_acts(Path("coding/logs") / f"{coder}.jsonl")
    assert not torn
    return [(act["unit"], act["label"]) for act in acts if act["act"] == "label"]


def label(client: FormClient, **more: Any) -> dict[str, Any]:
    return client.act("label", **{"variable": "topic", "label": "sports", **more})


def test_a_token_opens_the_room_of_its_coder_and_no_other(served, ann):
    ben = FormClient(served.addresses["ben"]).enter()
    assert ann.view["coder"] == "ann"
    assert ben.open()["coder"] == "ben"
    assert ann.base != ben.base
    for cookie in (ben.cookie, "", "codebook_coder=", "codebook_coder=a;;=b", f"{ben.cookie}x"):
        for path in ("", "view", "form.js", "page.js"):
            assert ann.ask("GET", f"{ann.base}{path}", headers={"Cookie": cookie or None})[0] == 403
        content = {"window": "w", "message": {"seq": 1, "act": "undo"}}
        for name in ("open", "act"):
            assert ann.ask("POST", f"{ann.base}{name}", content, {"Cookie": cookie or None})[0] == 403
    assert ann.ask("GET", ann.base)[0] == 200


def test_a_wrong_token_opens_nothing(served):
    for token in ("", "x", "é", "../ann", None, 1, ["a"]):
        status, headers, body = FormClient(served.addresses["ann"]).ask("POST", "/enter", {"token": token})
        assert (status, "set-cookie" in headers) == (403, False), token
        assert b"address that you were given" in body


def test_the_cookie_is_read_by_no_script_and_sent_by_no_other_site(served):
    client = FormClient(served.addresses["ann"])
    _, headers, body = client.ask("POST", "/enter", {"token": client.token})
    page = json.loads(body)["page"]
    assert headers["set-cookie"] == f"codebook_coder={client.token}; Path=/{page}; HttpOnly; SameSite=Strict"
    assert client.token not in page
    assert "ann" not in page


PATHS = [
    "/coder",
    "/coder/",
    "/coder/x/",
    "/form.js",
    "/enter",
    "/view",
    "/logs/ann.jsonl",
    "/..%2f..%2fstudy.yaml",
    "//x",
]


def test_nothing_is_listed_and_no_file_is_reached(served, ann):
    for path, cookie in product(PATHS, (ann.cookie, None)):
        assert ann.ask("GET", path, headers={"Cookie": cookie})[0] in (403, 404), path
    for inside in ("../view", "%2e%2e/", "logs/ann.jsonl", "picture/../page.js", "picture/", "coder_door.html/"):
        assert ann.ask("GET", f"{ann.base}{inside}")[0] == 404


def test_another_host_is_refused_so_that_no_name_can_be_turned_to_this_machine(served, ann):
    port = served.port
    for host in (
        "evil.example",
        "127.0.0.1",
        f"evil.example:{port}",
        "127.0.0.1:1",
        f"127.0.0.1.x:{port}",
        "x y",
        "",
        None,
    ):
        for method, path, body in (("GET", "/", None), ("POST", f"{ann.base}open", {"window": "w"})):
            assert ann.ask(method, path, body, {"Host": host})[0] == 421, host
    assert {ann.ask("GET", "/", headers={"Host": f"{host}:{port}"})[0] for host in ("localhost", "[::1]")} == {200}


def test_what_another_page_sends_is_refused(served, ann):
    token = ann.view["unit"]["token"]
    message = {"seq": 1, "token": token, "shown_ms": 900, "act": "label", "variable": "topic", "label": "sports"}
    local = f"127.0.0.1:{served.port}"
    for origin in ("http://evil.example", "http://127.0.0.1:1", "null", f"https://{local}", f"http://{local}.x", None):
        headers = {"Origin": origin}
        assert ann.ask("POST", f"{ann.base}act", {"window": "first", "message": message}, headers)[0] == 403, origin
        assert ann.ask("POST", "/enter", {"token": ann.token}, headers)[0] == 403, origin
    assert labels_of("ann") == []


def test_what_no_page_of_ours_sends_is_refused(served, ann):
    act = f"{ann.base}act"
    good = {"seq": 1, "act": "undo"}
    assert ann.ask("POST", act, b" " * (MAX_BYTES + 1))[0] == 413
    assert ann.ask("POST", act, b"{}", {"Content-Length": "9" * 5000})[0] == 411
    assert ann.ask("POST", act, b"", {"Content-Length": None})[0] == 411
    assert ann.ask("POST", act, b"", {"Content-Length": None, "Transfer-Encoding": "chunked"})[0] == 411
    assert ann.ask("POST", act, b"", {"Content-Length": "-1"})[0] == 411
    assert ann.ask("POST", act, {"window": "w", "message": good}, {"Content-Type": "text/plain"})[0] == 415
    for window in ("", "w" * 65, 1, None):
        assert ann.ask("POST", act, {"window": window, "message": good})[0] == 400
    for message in (None, [], {}, {"act": "undo"}, *({"act": "undo", "seq": seq} for seq in (0, -1, 1.5, True, "1"))):
        assert ann.ask("POST", act, {"window": "w", "message": message})[0] == 400
    for body in (b"", b"{", b"[]", b'"x"', b"\xff", b"[" * 2000):
        assert ann.ask("POST", act, body)[0] == 400
    assert ann.ask("POST", f"{ann.base}view", {"window": "w"})[0] == 404
    assert {ann.ask(method, "/")[0] for method in ("PUT", "DELETE", "OPTIONS", "HEAD")} == {501}
    assert labels_of("ann") == []


def test_a_press_for_another_unit_or_one_just_drawn_is_refused_and_not_written(served, ann):
    stale = ann.view["unit"]["token"]
    assert label(ann)["message"] is None
    shown = ann.view["unit"]["id"]
    for more in ({"token": stale}, {"token": ""}, {"shown_ms": 149}):
        view = label(ann, **more)
        assert (view["message"]["kind"], view["unit"]["id"], view["ack"]) == ("refused", shown, ann.seq)
    assert len(labels_of("ann")) == 1


def test_several_coders_at_once_write_each_to_their_own_log(served):
    def work(coder: str, topic: str) -> None:
        client = FormClient(served.addresses[coder]).enter()
        client.open()
        while client.view["unit"]:
            label(client, label=topic)
        assert client.view["progress"]["done"] == N_UNITS

    with ThreadPoolExecutor() as pool:
        list(pool.map(work, ("ann", "ben"), TOPICS))
    for coder, topic in zip(("ann", "ben"), TOPICS, strict=False):
        units, topics = zip(*labels_of(coder), strict=True)
        assert (len(set(units)), set(topics)) == (N_UNITS, {topic})


def test_of_two_windows_of_a_coder_the_older_one_saves_nothing_and_says_so(served, ann):
    label(ann)
    second = FormClient(served.addresses["ann"], "second").enter()
    assert second.open()["unit"]["id"] == ann.view["unit"]["id"]
    view = label(ann)
    assert (view["read_only"], view["message"]["kind"]) == (True, "refused")
    assert "another window" in view["message"]["text"]
    assert json.loads(ann.ask("GET", f"{ann.base}view", headers={"X-Window": "first"})[2])["read_only"]
    assert not label(second)["read_only"]
    assert not ann.open()["read_only"], "loaded again, it goes on"
    assert label(second)["read_only"]
    assert len(labels_of("ann")) == 2


def test_a_message_that_comes_again_is_done_once_also_after_a_restart(project, tmp_path, monkeypatch):
    monkeypatch.setenv("CODEBOOK_CONFIG", str(tmp_path / "settings"))
    make_coding_study(N_UNITS, ["ann"])
    with serve_coders() as server:
        client = FormClient(server.addresses["ann"]).enter()
        client.open()
        label(client)
        first = client.view
        client.seq -= 1
        assert label(client) == first
        assert label(client)["message"] is None
    with serve_coders() as server:
        assert server.addresses["ann"].endswith(client.token)
        assert server.port == client.port, "the page that is open finds it again"
        client.seq -= 1
        again = label(client, token=first["unit"]["token"])
        assert (again["ack"], again["message"], again["progress"]["done"]) == (client.seq, None, 2)
    assert len(labels_of("ann")) == 2


def test_acts_on_connections_that_break_are_whole_or_not_there(served, ann):
    message = {"seq": 1, "token": ann.view["unit"]["token"], "shown_ms": 900, "act": "label"}
    body = json.dumps({"window": "first", "message": {**message, "variable": "topic", "label": "sports"}}).encode()
    head = f"POST {ann.base}act HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nOrigin: http://127.0.0.1:{served.port}\r\n"
    head += f"Cookie: {ann.cookie}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    raw = head.encode() + body
    for cut in (0, 10, len(head) - 3, len(head), len(head) + 20, len(raw) - 1):
        with socket.create_connection(("127.0.0.1", served.port)) as wire:
            wire.sendall(raw[:cut])
        assert ann.ask("GET", f"{ann.base}view")[0] == 200
        assert labels_of("ann") == []
    with socket.create_connection(("127.0.0.1", served.port)) as wire:
        wire.sendall(raw)  # and gone before the answer
    view = label(ann)  # the page sends it again
    assert (view["ack"], view["progress"]["done"]) == (1, 1)
    assert len(labels_of("ann")) == 1


def test_a_server_that_was_closed_acknowledges_nothing(project):
    make_coding_study(N_UNITS)
    with serve_coders(["ann"]) as server:
        client = FormClient(server.addresses["ann"]).enter()
        client.open()
        wire = http.client.HTTPConnection("127.0.0.1", server.port)  # as a browser holds it open
        wire.request("GET", "/")
        wire.getresponse().read()
    origin = {"Origin": f"http://127.0.0.1:{server.port}", "Content-Type": "application/json", "Cookie": client.cookie}
    message = {"seq": 1, "act": "flag", "on": True, "token": client.view["unit"]["token"], "shown_ms": 900}
    with closing(wire):
        wire.request("POST", f"{client.base}act", json.dumps({"window": "first", "message": message}), origin)
        assert wire.getresponse().status == 503
    with serve_coders(["ann"]) as server:
        assert not FormClient(server.addresses["ann"]).enter().open()["flag"]


def test_what_is_no_request_is_refused_in_a_word(served, ann):
    long = b"x" * 70_000
    lines = [b"GARBAGE", b"GET /", b"POST /enter", b"GET / HTTP/9.9", b"\x16\x03\x01", b"GET /" + long + b" HTTP/1.1"]
    good = b"GET / HTTP/1.1\r\nHost: localhost:%d" % served.port
    lines += [good + b"\r\nA: " + long, good + b"\r\nB: c" * 200, good + b"\r\nHost: evil.example"]
    for line in lines:
        with socket.create_connection(("127.0.0.1", served.port)) as wire, wire.makefile("rb") as answer:
            wire.sendall(line + b"\r\n\r\n")
            assert answer.readline().split()[1][:1] in (b"4", b"5"), line[:40]
    assert label(ann)["message"] is None


def test_no_answer_may_be_kept_framed_or_lead_elsewhere(served, ann):
    for path in ("/", "/door.js", ann.base, f"{ann.base}form.js", f"{ann.base}view", "/nothing"):
        _, headers, body = ann.ask("GET", path)
        assert headers["cache-control"] == "no-store"
        assert headers["content-security-policy"].startswith(
            "default-src 'none'; script-src 'self'; style-src 'self'; "
        )
        assert "unsafe" not in headers["content-security-policy"]
        assert (headers["referrer-policy"], headers["server"]) == ("no-referrer", "codebook")
        assert ann.token.encode() not in body
        assert not re.search(rb"(?:https?:)?//(?!www\.w3\.org/)[\w-]+\.\w", body), path


def test_images_come_through_the_session_to_their_coder_only(project):
    photo = next((Path(__file__).parents[2] / "data" / "clothing_images").rglob("*.jpg"))
    shutil.copy(photo, project / "secret_name.jpg")
    units = [Unit("u0", "", files=(UnitFile("secret_name.jpg", "image"),)), Unit("u1", "A text.")]
    make_coding_study(2, units=units)
    with serve_coders() as server:
        ann, ben = (FormClient(server.addresses[name]).enter() for name in ("ann", "ben"))
        views = [ann.open(), ann.act("go", to="u0")]
        source = next(block["source"] for block in ann.view["unit"]["blocks"] if block["type"] == "image")
        assert "secret_name" not in json.dumps(views)
        status, headers, body = ann.ask("GET", f"{ann.base}{source}")
        assert (status, headers["content-type"], headers["cache-control"]) == (200, "image/jpeg", "no-store")
        assert len(body) > 1000
        assert ben.ask("GET", f"{ann.base}{source}")[0] == 403
        assert ben.ask("GET", f"{ben.base}{source}")[0] == 404, "not shown to ben yet"


def test_a_log_that_is_held_elsewhere_is_read_only_until_it_is_free(project):
    make_coding_study(N_UNITS)
    with open_session("ann"), serve_coders(["ann"]) as server:
        client = FormClient(server.addresses["ann"]).enter()
        assert client.open()["read_only"]
        assert "read only" in server.desks["ann"].remark
        assert label(client)["message"]["kind"] == "refused"
        assert labels_of("ann") == []
    with serve_coders(["ann"]) as server:
        with open_session("ben"):
            pass
        assert not FormClient(server.addresses["ann"]).enter().open()["read_only"]


def test_a_coder_whose_round_is_not_open_keeps_nobody_else_out(project):
    known = [KnownAnswer("u0", "topic", "sports")]
    make_coding_study(3)
    add_training([Unit("u0", "A match.")], known, ["ben"], parse_codebook(BOOK), gate=1.0)
    with serve_coders() as server:
        assert list(server.addresses) == ["ann"]
        assert "not open yet" in server.left_out["ben"]
        ben = server.tokens["ben"]
        assert FormClient(server.addresses["ann"]).ask("POST", "/enter", {"token": ben})[0] == 403
    with serve_coders(["ben"], round_name="training") as server:
        assert FormClient(server.addresses["ben"]).enter().open()["round"] == "training"
    with pytest.raises(ParameterError, match="is not finished"):
        serve_coders(["ann", "ben"])


def test_who_decides_is_served_the_sides_without_names(project):
    make_coding_study(2)
    with serve_coders() as server:
        for coder, topic in (("ann", "sports"), ("ben", "politics")):
            client = FormClient(server.addresses[coder]).enter()
            client.open()
            while client.view["unit"]:
                label(client, label=topic)
    with serve_adjudication("ruth") as server:
        ruth = FormClient(server.addresses["ruth"]).enter()
        view = ruth.open()
        assert {side["label"] for side in view["adjudication"]["sides"]} == {"sports", "politics"}
        assert not re.search(r"\bann\b|\bben\b", json.dumps(view))
        assert label(ruth, label="weather")["progress"]["done"] == 1
    assert len(labels_of("ann")) == 2


def test_nothing_listens_beyond_this_machine_without_leave(project):
    make_coding_study(2)
    for host in ("0.0.0.0", "::", "192.168.0.7", "example.org", ""):
        with pytest.raises(ParameterError, match="--open-to-network"):
            serve_coders(["ann"], Place(host=host))
    with pytest.raises(ParameterError) as caught:
        serve_coders(["ann"], Place(host="0.0.0.0", port=99999, public="coding.example.edu"))
    assert len(caught.value.faults) == 3
    with pytest.raises(ParameterError, match="has nothing to code"):
        serve_coders(["zoe"])
    with serve_coders(["ann"]) as server:
        assert server.addresses["ann"].startswith(f"http://127.0.0.1:{server.port}/#")
        with pytest.raises(MachineError, match="leave out --port"):
            serve_coders(["ben"], Place(port=server.port))
        with serve_coders(["ben"]) as other:
            assert other.port != server.port


def test_addresses_stay_the_same_until_new_ones_are_wanted(project, tmp_path, monkeypatch):
    monkeypatch.setenv("CODEBOOK_CONFIG", str(tmp_path / "settings"))
    make_coding_study(2)
    with serve_coders(["ann"]) as server:
        first = server.addresses["ann"]
    with serve_coders() as server:
        assert server.addresses["ann"] == first
        assert server.addresses["ben"] not in first
    kept = tmp_path / "settings" / "coder_addresses.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    with serve_coders(["ann"], renew=True) as server:
        assert server.addresses["ann"] != first
        assert FormClient(first).ask("POST", "/enter", {"token": first.rpartition("#")[2]})[0] == 403
    kept.write_bytes(b"{")
    with serve_coders(["ann"]) as server:
        assert server.addresses["ann"] != first


def test_behind_a_proxy_its_address_is_known_and_the_cookie_is_for_it(project):
    make_coding_study(2)
    public = "https://coding.example.edu/study/"
    with serve_coders(["ann"], Place(public=public)) as server:
        address = server.addresses["ann"]
        assert address.startswith(f"{public}#")
        token = address.rpartition("#")[2]
        client = FormClient(f"http://127.0.0.1:{server.port}/#{token}")
        by_proxy = {"Origin": "https://coding.example.edu", "Host": "coding.example.edu"}
        _, headers, body = client.ask("POST", "/enter", {"token": token}, by_proxy)
        page = json.loads(body)["page"]
        assert headers["set-cookie"].endswith(f"; Path=/study/{page}; HttpOnly; SameSite=Strict; Secure")
        cookie = {"Cookie": headers["set-cookie"].partition(";")[0]}
        assert client.ask("POST", f"/{page}open", {"window": "w"}, by_proxy | cookie)[0] == 200
        for origin in ("http://coding.example.edu", "https://example.edu"):
            assert client.ask("POST", f"/{page}open", {"window": "w"}, by_proxy | cookie | {"Origin": origin})[0] == 403


def test_on_a_network_it_is_reached_by_its_own_names_only():
    keeper = Doorkeeper({"ann": "t"}, Place(host="0.0.0.0", open_to_network=True), 80)
    known = {name: keeper.knows_host(name) for name in ("192.168.0.7", socket.gethostname(), "evil.example", "x:81")}
    assert known == {"192.168.0.7": True, socket.gethostname(): True, "evil.example": False, "x:81": False}


def test_the_command_says_each_address_and_ends_in_order(
    project: Path, command: Command, press_ctrl_c: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_coding_study(2, folder="people")
    (project / "study.yaml").write_text("study: test\ncoding: {folder: people}\n", encoding="utf-8")
    (project / "runs").mkdir()
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    seen: list[str] = []
    ended = threading.Event()

    def work() -> None:
        while not opened:
            if ended.wait(0.01):
                return
        client = FormClient(opened[0]).enter()
        client.open()
        seen.append(label(client)["coder"])
        press_ctrl_c()

    thread = threading.Thread(target=work)
    thread.start()
    outcome = command("code", "--coder", "ann", "--open")
    ended.set()
    thread.join()
    assert (outcome.exit_code, seen) == (0, ["ann"]), outcome.output
    assert outcome.output.splitlines()[0] == f"ann: {opened[0]}"
    assert "ben" not in outcome.output
    assert "Stopped." in outcome.output
    log = (project / "runs" / "codebook.log").read_text()
    assert "codebook code" in log
    assert opened[0].rpartition("#")[2] not in log
    with open_session("ann", "people") as session:
        assert not session.log.read_only, "the log was let go"
        assert session.progress()["done"] == 1


def test_the_command_refuses_the_network_and_names_a_coder_who_has_nothing(project: Path, command: Command) -> None:
    make_coding_study(2)
    refused = command("code", "--host", "0.0.0.0")
    assert (refused.exit_code, "--open-to-network" in refused.output) == (1, True)
    assert "zoe" in command("code", "--coder", "zoe").output
