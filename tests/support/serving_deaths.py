"""Serves the coding form, kills the server again and again, and counts what became of the acts.

`serving_deaths.py FOLDER N SEED` makes a study, forks a server for each death, and lets a coder work who sends a
message again until it is answered, as the page does. It prints what was acknowledged, lost, doubled and torn, as JSON.
`serving_deaths.py FOLDER full N SEED` fills the disk at each act instead: the limit of the file's size is where the
line would go, so that nothing or a part of it is written.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import resource
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from coding_studies import TOPICS, make_coding_study
from form_client import FormClient

from codebook.coding.coding_log import read_acts
from codebook.coding.serving.doorkeeper import Place
from codebook.coding.serving.form_server import _read_assets, serve_coders

LOG = Path("coding/logs/ann.jsonl")
MOMENTS = ("any", "any", "any", "before", "half", "written", "on disk")
"""When a server dies: at any moment, or while it writes an act."""
LONGEST_S = 0.08
ERRORS = (OSError, http.client.HTTPException)


class Server:
    """A server in a process of its own."""

    def __init__(self, port: int = 0, moment: str = "any", nth: int = 0) -> None:
        told, say = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            os.close(told)
            _serve(say, port, moment, nth)
        os.close(say)
        with os.fdopen(told) as file:
            self.address = file.readline().strip()

    def die(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> None:
        os.waitpid(self.pid, 0)


def _serve(say: int, port: int, moment: str, nth: int) -> None:
    try:
        server = serve_coders(["ann"], Place(port=port))
        if moment != "any":
            _die_at(moment, nth)
        os.write(say, f"{server.addresses['ann']}\n".encode())
        os.close(say)
        server.serve()
    finally:
        os._exit(1)


def _die_at(moment: str, nth: int) -> None:
    """Let this process die while it writes its nth act."""
    write, sync, left = os.write, os.fsync, [nth]

    def die_writing(file: int, data: bytes) -> int:
        if b'"act"' not in data:
            return write(file, data)
        left[0] -= 1
        if left[0] == 0 and moment in ("before", "half"):
            write(file, data[: len(data) // 2 if moment == "half" else 0])
            os.kill(os.getpid(), signal.SIGKILL)
        return write(file, data)

    def die_syncing(file: int) -> None:
        if moment == "on disk":
            sync(file)
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        sync(file)

    os.write, os.fsync = die_writing, die_syncing


def choose(chance: random.Random, view: dict[str, Any]) -> dict[str, Any]:
    """What a coder does next."""
    kinds = (
        ["label"] * 6 + ["note", "flag", "skip"] + ["undo"] * bool(view["can_undo"]) + ["redo"] * bool(view["can_redo"])
    )
    kind = chance.choice(kinds) if view["unit"] else "undo"
    more = {"label": {"variable": "topic", "label": chance.choice(TOPICS)}, "note": {"text": f"note {chance.random()}"}}
    return {"act": kind, **more.get(kind, {})}


def work(client: FormClient, chance: random.Random, unsent: dict[str, Any], acknowledged: dict[int, str]) -> None:
    """Work until the server is gone; the message that was not answered stays in `unsent`."""
    while True:
        if not unsent:
            client.seq += 1
            unit = client.view["unit"] or {}
            head = {"seq": client.seq, "token": unit.get("token", ""), "shown_ms": 500}
            unsent.update(head | choose(chance, client.view))
        try:
            view = client.post("act", message=unsent)
        except ERRORS:
            return
        assert view["ack"] == unsent["seq"]
        assert not view["read_only"]
        if view["message"] is None:
            acknowledged[client.seq] = unsent["act"]
        unsent.clear()


def kill_often(n_deaths: int, seed: int) -> dict[str, Any]:
    """Kill servers, and count what the log has of what was acknowledged."""
    chance = random.Random(seed)
    server = Server()
    client = FormClient(server.address).enter()
    client.open()
    unsent, acknowledged, n_by_moment = dict[str, Any](), dict[int, str](), Counter[str]()
    for n in range(n_deaths):
        moment = "any" if n == 0 else chance.choice(MOMENTS)
        if n:
            server = Server(client.port, moment, chance.randint(1, 4))
        timer = threading.Timer(chance.uniform(0, LONGEST_S), server.die) if moment == "any" else None
        if timer:
            timer.start()
        work(client, chance, unsent, acknowledged)
        if timer:
            timer.join()
        server.wait()
        n_by_moment[moment] += 1
    server = Server(client.port)
    acts, torn = read_acts(LOG)
    server.die()
    server.wait()
    sent = Counter(act["seq"] for act in acts if act.get("client") == client.window)
    return {
        "deaths": dict(n_by_moment),
        "acknowledged": len(acknowledged),
        "lost": sorted(acknowledged.keys() - sent.keys()),
        "doubled": [seq for seq, n in sent.items() if n > 1],
        "unasked": sorted(seq for seq in sent if seq > client.seq),
        "torn": len(torn),
        "set_aside": len(list(LOG.parent.glob("ann.torn-*"))),
        "lines": len(acts),
        "openings": sum(act["act"] == "open" for act in acts),
    }


def fill_often(n_acts: int, seed: int) -> dict[str, Any]:
    """Let the disk be full at each act, at some place of its line; then there is room, and it is done."""
    chance = random.Random(seed)
    server = Server()
    client = FormClient(server.address).enter()
    client.open()
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    counted = Counter[str]()
    for _ in range(n_acts):
        before, wanted = LOG.read_bytes(), choose(chance, client.view)
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (len(before) + chance.randint(0, 60), hard))
        view = client.act(**wanted)
        counted["refused"] += (view["message"] or {}).get("kind") == "error"
        counted["said"] += "NOT SAVED" in (view["message"] or {}).get("text", "")
        counted["unchanged"] += LOG.read_bytes() == before
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (hard, hard))
        counted["done"] += client.act(**wanted)["message"] is None
    server.die()
    server.wait()
    acts, torn = read_acts(LOG)
    return {**counted, "lines": sum(act["act"] != "open" for act in acts), "torn": len(torn)}


def main(folder: str, *words: str) -> None:
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    (path / "study.yaml").write_text("study: test\n")
    os.chdir(path)
    os.environ |= {"CODEBOOK_PROJECT": str(path), "CODEBOOK_CONFIG": str(path / "settings")}
    make_coding_study(400, ["ann"])
    _read_assets()  # here, so that no fork has to import what it needs
    begin = time.monotonic()
    outcome = fill_often(int(words[1]), int(words[2])) if words[0] == "full" else kill_often(*map(int, words))
    print(json.dumps(outcome | {"seconds": round(time.monotonic() - begin, 1)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
