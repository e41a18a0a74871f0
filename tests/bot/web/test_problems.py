"""What is wrong with a body, in words of people."""

import json
import re
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from bot.web import account_schemas, schemas
from bot.web.problems import problem_in
from bot.web.schemas import Body
from tests.bot.web.hall import Hall

ODD: tuple[Any, ...] = (None, [], {}, "", "\u2603", "x" * 100_000, -1e300, 1e300, 0, True, ["x"] * 5000, [{}])
BODIES = sorted(
    {one for module in (schemas, account_schemas) for one in vars(module).values() if isinstance(one, type)}
    & set(Body.__subclasses__()),
    key=lambda one: one.__name__,
)


def wrong_with(model: type[BaseModel], text: str) -> list[Any]:
    try:
        model.model_validate_json(text)
    except ValidationError as error:
        return list(error.errors(include_url=False, include_input=False))
    return []


@pytest.mark.parametrize("model", BODIES, ids=lambda one: one.__name__)
def test_whatever_is_wrong_is_said_in_both_languages(model: type[BaseModel]) -> None:
    """Each field of each body, with what it cannot be: in Chinese not a word of pydantic's, in English neither."""
    texts = ["", "[]", '{"surely not": 1}', "{}"]
    texts += [json.dumps({name: value}) for name in model.model_fields for value in ODD]
    for error in (one for text in texts for one in wrong_with(model, text)):
        said = {lang: problem_in(error, lang) for lang in ("zh", "en")}
        assert re.search(r"[\u4e00-\u9fff]", said["zh"]), error
        assert "None" not in said["zh"] + said["en"], error
        assert said["en"] != error["msg"], error
        assert said["zh"] != "这个值不能用。", error


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"title": "x" * 201}, "title：最多 200 个字符。"),
        ({"starts_at": "tomorrow"}, "starts_at：不是一个时间。请选择日期和时间（API 用 Unix 秒）。"),
        ({"grouping": "always"}, "grouping：只能是：off, suggest, auto。"),
        ({"curse": "x"}, "curse：没有这一项。请检查名称。"),
        ({"review": "perhaps"}, "review：只能是 true 或 false。"),
    ],
)
async def test_a_chinese_page_is_told_in_chinese(hall: Hall, body: dict[str, Any], said: str) -> None:
    """With the name of the field, which the page puts it beside."""
    mo = await hall.signed_in("organiser")
    path = "/api/v1/sessions/talk"
    answer = await mo.send("PATCH", path, body, headers={"Accept-Language": "zh"})
    assert (answer.status, (await answer.json())["error"]) == (400, said)
