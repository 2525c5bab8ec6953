"""What a service would refuse, found before anything is written: the body of one request stands for all."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import orjson

from codebook.engines import Engine, Foresees, KnowsLanguages
from codebook.engines.service import find_http_fault
from codebook.errors import Fault, ParameterError
from codebook.records import Asking, Unit
from codebook.requests import RequestMaker
from codebook.run.money import Meter
from codebook.scheme import Codebook
from codebook.tasks import find_task, make_questions
from codebook.units import Source, mend_guess

_SAMPLE = Unit("sample", "A text.")
_N_TEXTS = 2_000
"""Texts whose language is looked at, taken evenly from all."""


def check_address(asking: Asking) -> None:
    """Refuse an address to which nothing should go, before anything is written."""
    meter = Meter(asking)
    if meter.charges and (fault := find_http_fault(meter.provider)):
        raise ParameterError("The service cannot be called at this address; nothing was written.", [fault])


def check_requests(book: Codebook, asking: Asking) -> list[Fault]:
    """Return what should be known before requests are paid for, such as a model name that may change its meaning."""
    meter = Meter(asking)
    if not meter.charges:
        return []
    from codebook.engines.service.families import check_body, warn_body

    url, provider = asking.url, meter.provider
    today = datetime.now(UTC).date()
    faults, warnings = dict[Fault, None](), dict[Fault, None]()
    if url not in provider.endpoints:
        mend = f"use one of {', '.join(provider.endpoints)}"
        faults[Fault("url", f"{provider.name} has no endpoint {url}", mend)] = None
    maker = RequestMaker(make_questions(book), model=asking.model, url=url, settings=asking.settings)
    for request in maker.ask(_SAMPLE):
        body = orjson.loads(request.body)
        faults |= dict.fromkeys(check_body(body, url, provider=provider.name, today=today, batch=meter.batch))
        warnings |= dict.fromkeys(warn_body(body, url, provider=provider.name, today=today))
    ParameterError.raise_any(f"{provider.name} would refuse these requests.", list(faults))
    return list(warnings)


def find_lacks(book: Codebook, asking: Asking, engine: Engine, units: Source) -> list[Fault]:
    """What the engine says that it cannot answer about the first unit, by variable."""
    unit = next((unit for unit, skip in units.with_skips() if not skip), None)
    if not isinstance(engine, Foresees) or unit is None or find_task(book).n_texts:
        return []
    maker = RequestMaker(make_questions(book), model=engine.model, url=asking.url, settings=asking.settings)
    lacks = {
        request.variable: engine.find_lack({"url": request.url, "body": orjson.loads(request.body)})
        for request in maker.ask(unit)
    }
    mend = "name another engine, or ask what this one can answer"
    return [Fault(f"engine, variable {name!r}", problem, mend) for name, problem in lacks.items() if problem]


def refuse_lacks(book: Codebook, asking: Asking, engine: Engine, units: Source) -> list[Fault]:
    """Return what the engine cannot answer of some variables."""
    lacks = find_lacks(book, asking, engine, units)
    if lacks and len(lacks) == len(book.variables):
        raise ParameterError("The engine can answer none of these questions; nothing was written.", lacks)
    return lacks


def look_at_languages(book: Codebook, engine: Engine, units: Source, n_units: int) -> tuple[str, list[Fault]]:
    """What languages the texts are in, in a sentence, and a fault where the engine does not know some of them."""
    if not isinstance(engine, KnowsLanguages):
        return "", []
    texts = (unit.text for unit, skip in units.with_skips() if not skip and unit.text.strip())
    sentence, problem = engine.look_at_texts(islice(texts, 0, None, max(1, -(-n_units // _N_TEXTS))))
    mend = "it refuses such texts: leave them out with `where`, or name another engine for them"
    if find_task(book).n_texts:
        mend = "their vectors tell little: leave them out with `where`, or name another engine for them"
    return sentence, [Fault("units", problem, mend)] if problem else []


def describe_encoding(units: Source | Iterable[Unit]) -> dict[str, Any]:
    """What `run.json` says of how the bytes of the units became characters, and how that is known."""
    encoding = units.encoding if isinstance(units, Source) else None
    if not encoding:
        return {}
    return {"encoding": {"name": encoding.name, "how": encoding.reason, "guessed": encoding.guessed}}


def refuse_guess(units: Source | Iterable[Unit], asking: Asking) -> None:
    """Refuse to have anything paid whose texts rest on a guess."""
    if isinstance(units, Source) and units.encoding and units.encoding.guessed and Meter(asking).charges:
        fault = Fault(units.path.name, f"{units.encoding.name} is {units.encoding.reason}", mend_guess(units.encoding))
        raise ParameterError("Nothing is paid for texts whose encoding is a guess.", [fault])
