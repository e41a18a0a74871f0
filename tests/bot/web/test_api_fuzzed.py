"""The API against its own OpenAPI document: schemathesis makes requests of it, as each role, to a real server."""

import asyncio
import copy
import os
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.schemas import APIOperation

from bot.accounts import ROLES
from bot.storage.sqlite import SqliteStore
from bot.web.limits import Limits, Rate
from bot.web.routes import API
from tests.bot.web.hall import SAME_SITE, Hall, open_hall

SEED = 20_261_126
DAILY = 2
"""Requests for each operation as they should be, and as many as they should not; each is sent as every role."""
THOROUGH = int(os.environ.get("FLOORMIC_EXAMPLES", "40"))

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
THERE = {
    "session": ["talk", "other"],
    "question": ["q1", "q2", "q3"],
    "poll": ["p1"],
    "item": ["s1"],
    "source": ["talk-chat", "echo"],
    "series": ["autumn"],
    "duty": ["digest"],
}
"""What an address may name, so that not every request ends at the first 404."""

STREAM = f"{API}/sessions/{{session}}/events"
"""It never ends; `test_events` reads it."""

LONGEST_LINE = 8000
"""Bytes of an address: longer ones are refused by aiohttp before any of us sees them."""

FAST = Rate(1_000_000, 1_000_000)
LIMITS = Limits(**{one.name: FAST for one in fields(Limits) if isinstance(one.default, Rate)})


def document_for(document: dict[str, Any]) -> dict[str, Any]:
    """The document without the stream; of what is in the talk its addresses name a part."""
    told = copy.deepcopy(document)
    del told["paths"][STREAM]
    told["servers"] = [{"url": "/"}]
    for item in told["paths"].values():
        for operation in item.values():
            for parameter in operation["parameters"]:
                if parameter["in"] == "path" and (names := THERE.get(parameter["name"])):
                    parameter["schema"] = {"anyOf": [{"enum": names}, {"type": "string"}]}
    return told


class Client:
    """A program with this role's cookie. It signs in again where one of its own requests has ended its login."""

    def __init__(self, url: str, hall: Hall, role: str) -> None:
        self._url, self._hall, self._role = url, hall, role
        self.session = requests.Session()
        self.session.headers.update(SAME_SITE)

    def sign_in(self) -> None:
        if self._role != "viewer" and self.session.get(self._url + API + "/account", timeout=10).status_code == 403:
            token = self._hall.sign_in.link(self._role, "Fuz")
            self.session.post(f"{self._url}/signin/{token}", timeout=10, allow_redirects=False).raise_for_status()

    def send(self, case: Case) -> None:
        answer = case.call(base_url=self._url, session=self.session, timeout=10, allow_redirects=False)
        if len(answer.request.path_url) > LONGEST_LINE and answer.status_code == 400:
            return  # not even read as a request
        try:
            case.validate_response(answer, checks=CHECKS)
        except BaseException as error:
            error.add_note(f"as {self._role}")
            raise


def wrong(clients: Sequence[Client], operations: Iterable[APIOperation], examples: int) -> list[str]:
    """Makes that many requests of each kind for each operation and sends each as everybody; what was wrong."""
    found = []
    for operation in operations:
        for mode in GenerationMode:
            for client in clients:
                client.sign_in()

            @seed(SEED)
            @settings(
                max_examples=examples,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def holds(case: Case) -> None:
                for client in clients:
                    client.send(case)

            try:
                holds()
            except Unsatisfiable:
                assert mode is GenerationMode.NEGATIVE  # nothing can be wrong with what takes nothing
            except BaseException as error:
                found.append(f"{operation.label}: {''.join(traceback.format_exception_only(error))}")
    return found


async def fill(hall: Hall) -> None:
    """Something of everything, so that answers have something in them."""
    for n in range(1, 4):
        await hall.asks(f"Question {n}?", f"q{n}")
    staff = await hall.signed_in("organiser", name="Root")
    await staff.act("answer", ["q1"], text="Yes.")
    await staff.post(f"{API}/sessions/talk/polls", {"kind": "scale", "title": "How clear?"})
    await staff.send("PATCH", f"{API}/sessions/talk", {"series": "autumn", "ledger": True})


@pytest.mark.parametrize("examples", [DAILY, pytest.param(THOROUGH, marks=pytest.mark.thorough)])
async def test_the_api_keeps_to_its_document(store: SqliteStore, examples: int) -> None:
    """Whatever is sent, as it should be or not, by each role: no 5xx, no status, type or body that is not described."""
    async with open_hall(store, limits=LIMITS) as hall:
        await fill(hall)
        url = str(hall.server.make_url("/")).rstrip("/")
        document = document_for(await hall.client().json(API + "/openapi.json"))
        schema = schemathesis.openapi.from_dict(document)
        operations = [found.ok() for found in schema.get_all_operations()]
        assert len(operations) > 80
        clients = [Client(url, hall, role) for role in ROLES]
        found = await asyncio.to_thread(wrong, clients, operations, examples)
    assert not found, "\n\n".join(found)


async def test_a_wrong_answer_would_be_found(store: SqliteStore) -> None:
    """Negative control: with one field of the document described otherwise, and one answer that it lacks."""
    async with open_hall(store, limits=LIMITS) as hall:
        url = str(hall.server.make_url("/")).rstrip("/")
        document = document_for(await hall.client().json(API + "/openapi.json"))
        document["components"]["schemas"]["Health"]["properties"]["status"] = {"type": "integer"}
        path = f"{API}/sessions/{{session}}"
        del document["paths"][path]["get"]["responses"]["404"]
        document["paths"] = {name: {"get": document["paths"][name]["get"]} for name in ("/healthz", path)}
        operations = [found.ok() for found in schemathesis.openapi.from_dict(document).get_all_operations()]
        found = await asyncio.to_thread(wrong, [Client(url, hall, "viewer")], operations, 20)
    assert {line.split(":")[0] for line in found} == {"GET /healthz", f"GET {path}"}
