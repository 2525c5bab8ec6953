"""Live calls against a loopback server: requests a second beside the SDK and a bare loop, and goodput under 429s.

    python benchmarks/live.py                # throughput at 64 and 512 calls, then the three cases of limits
    python benchmarks/live.py --rounds 1     # quicker: one round instead of three
    python benchmarks/live.py --client engine --concurrency 64 --n 1000 --url URL   # one of them, a line of JSON

Server and client each have a process; clients take turns, so that they share whatever else the machine does. `share` is
of concurrency / latency, or of the limit; `steady` leaves out the first two seconds and the last, where calls run out;
`cpu` is the client's milliseconds of processor time a request, start-up left out.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from codebook.engines.openai_live import OpenAILiveEngine
from codebook.files.lines import digest_file, iter_lines, load_line, read_lines, write_lines
from codebook.records import CHAT, Shard

SERVER = Path(__file__).parents[1] / "tests" / "fakes" / "loopback.py"
LATENCY_S = 0.25
BODY = {"model": "m", "messages": [{"role": "user", "content": "x" * 6000}]}
CASES = {
    "headers true": {"rate": 100, "headers": 100},
    "headers say 100, 50 left": {"rate": 50, "headers": 100},
    "no headers": {"rate": 100, "headers": 0},
}
"""Calls a second that the server grants, and those that its headers tell of."""
SIZES = {64: (2000, 2000, 1500), 512: (14_000, 14_000, 2000)}
"""Calls at a time, and how many each of `CLIENTS` makes."""
SECONDS = 20


def write_shard(folder: Path, n: int) -> Shard:
    path = folder / "shard.jsonl"
    write_lines(path, ({"custom_id": f"c{k}", "method": "POST", "url": CHAT, "body": BODY} for k in range(n)))
    return Shard(path, digest_file(path), CHAT, "m", n, path.stat().st_size, 0)


def call_by_engine(shard: Shard, url: str, concurrency: int) -> int:
    """The engine, with all it does: result lines on disk, synced."""
    engine = OpenAILiveEngine(shard.path.parent, model="m", provider="vllm", base_url=url, concurrency=concurrency)
    job = engine.submit(shard, "benchmark")
    (path,) = engine.fetch(job, shard.path.parent / "into")
    return sum((line["response"] or {}).get("status_code") == 200 for line in read_lines(path))


def call_by_sdk(shard: Shard, url: str, concurrency: int) -> int:
    """The SDK's own asynchronous client, as most scripts use it; answers are not kept."""
    import openai

    bodies = iter([load_line(line, "")["body"] for _, line in iter_lines(shard.path)])

    async def work(client: openai.AsyncOpenAI) -> int:
        n = 0
        for body in bodies:
            n += (await client.chat.completions.create(**body)).choices[0].finish_reason == "stop"
        return n

    async def main() -> int:
        async with openai.AsyncOpenAI(api_key="none", base_url=url) as client:
            return sum(await asyncio.gather(*(work(client) for _ in range(concurrency))))

    return asyncio.run(main())


def call_barely(shard: Shard, url: str, concurrency: int) -> int:
    """A bare aiohttp loop at full concurrency from the start, answers thrown away: what this machine can do now."""
    import aiohttp

    lines = iter_lines(shard.path)
    body = json.dumps(BODY).encode()

    async def work(session: aiohttp.ClientSession) -> int:
        n = 0
        for _ in lines:
            async with session.post(f"{url}/chat/completions", data=body) as response:
                await response.read()
                n += response.status == 200
        return n

    async def main() -> int:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            return sum(await asyncio.gather(*(work(session) for _ in range(concurrency))))

    return asyncio.run(main())


CLIENTS = {"engine": call_by_engine, "bare aiohttp": call_barely, "AsyncOpenAI": call_by_sdk}


def run_client(name: str, url: str, concurrency: int, n: int) -> dict[str, float]:
    """Make the calls in this process."""
    with tempfile.TemporaryDirectory() as folder:
        shard = write_shard(Path(folder), n)
        import openai  # noqa: F401  importing is not what is measured

        begin, cpu = time.perf_counter(), time.process_time()
        n_good = CLIENTS[name](shard, url, concurrency)
        return {"s": time.perf_counter() - begin, "cpu_s": time.process_time() - cpu, "good": n_good}


def measure(name: str, concurrency: int, n: int, **server: float) -> dict[str, Any]:
    """Start a server and a client, and return what both say."""
    options = [part for key, value in server.items() for part in (f"--{key}", str(value))]
    with subprocess.Popen([sys.executable, SERVER, *options], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        url = process.stdout.readline().strip()
        command = [sys.executable, __file__, "--client", name, "--url", url, "--n", str(n)]
        said = subprocess.run([*command, "--concurrency", str(concurrency)], capture_output=True, text=True, check=True)
        with urllib.request.urlopen(url.replace("/v1", "/stats")) as reply:
            stats = json.load(reply)
        process.terminate()
    return json.loads(said.stdout) | stats


def steady_rate(stats: dict[str, Any]) -> float:
    """Good replies a second, the first two seconds and the last left out."""
    bins = [n for _, n in sorted((int(second), n) for second, n in stats["good_by_second"].items())][2:-1]
    return statistics.mean(bins) if bins else float("nan")


def compare_throughput(n_rounds: int) -> None:
    """Print a line for each concurrency and client."""
    print(f"{'concurrency':>11} {'client':<13} {'req/s':>6} {'share':>6} {'steady':>7} {'cpu ms':>7}  good")
    for concurrency, sizes in SIZES.items():
        taken: dict[str, list[dict[str, Any]]] = {name: [] for name in CLIENTS}
        for _ in range(n_rounds):
            for (name, runs), n in zip(taken.items(), sizes, strict=True):
                runs.append(measure(name, concurrency, n, latency=LATENCY_S) | {"n": n})
        for name, runs in taken.items():
            limit = concurrency / LATENCY_S
            rate, steady, cpu = (
                statistics.median(values)
                for values in zip(
                    *((run["n"] / run["s"], steady_rate(run), 1000 * run["cpu_s"] / run["n"]) for run in runs),
                    strict=True,
                )
            )
            good = sum(run["good"] for run in runs) / sum(run["n"] for run in runs)
            shown = f"{rate:6.0f} {rate / limit:6.0%} {steady / limit:7.0%} {cpu:7.2f} {good:5.0%}"
            print(f"{concurrency:>11} {name:<13} {shown}")


def compare_limits(n_rounds: int) -> None:
    """Print a line for each of the `CASES`: `SECONDS` worth of calls, 200 allowed at a time, latency 0.5 s."""
    print(f"\n{'case':<25} {'goodput':>8} {'steady':>7} {'429 per request':>16} {'lost':>5}")
    for name, case in CASES.items():
        n = SECONDS * case["rate"]
        runs = [measure("engine", 200, n, latency=0.5, spread=0.5, **case) for _ in range(n_rounds)]
        goodput = statistics.median(n / run["s"] / case["rate"] for run in runs)
        steady = statistics.median(steady_rate(run) / case["rate"] for run in runs)
        refused = statistics.median(run["by_status"].get("429", 0) / n for run in runs)
        lost = max(n - run["good"] for run in runs)
        print(f"{name:<25} {goodput:8.0%} {steady:7.0%} {refused:16.3f} {lost:5.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["throughput", "limits"])
    parser.add_argument("--client", choices=list(CLIENTS))
    parser.add_argument("--url", default="")
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--n", type=int, default=1000)
    given = parser.parse_args()
    if given.client:
        print(json.dumps(run_client(given.client, given.url, given.concurrency, given.n)))
        return
    if given.only != "limits":
        compare_throughput(given.rounds)
    if given.only != "throughput":
        compare_limits(given.rounds)


if __name__ == "__main__":
    main()
