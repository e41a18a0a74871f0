"""The OpenAPI document."""

from openapi_spec_validator import OpenAPIV31SpecValidator

from bot.web.routes import API
from bot.web.server import POLICY
from tests.bot.web.hall import Hall


async def test_the_document_is_valid_and_complete(hall: Hall) -> None:
    """It is OpenAPI 3.1, describes every API address, and refers to nothing that it lacks."""
    document = await hall.client().json(API + "/openapi.json")
    OpenAPIV31SpecValidator(document).validate()
    described = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    served = {(r.method, r.path) for r in hall.server.app[POLICY].routes if r.kind in {"api", "hook"}}
    assert described == served
    ask = document["paths"]["/api/v1/sessions/{session}/messages"]["post"]
    assert ask["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/AskBody"}
    assert "202" in ask["responses"]
    act = document["paths"]["/api/v1/sessions/{session}/actions"]["post"]
    assert (act["x-least-role"], act["security"]) == ("expert", [{"staff": []}])
