"""What is wrong with a field of a body, in words of people: pydantic says it in English, and to programmers."""

import re
from collections.abc import Mapping
from typing import Any

from bot.web.texts import say

TEXTS = {
    "missing": "field_missing",
    "extra_forbidden": "field_unknown",
    "string_too_long": "field_too_long",
    "string_too_short": "field_too_short",
    "string_pattern_mismatch": "field_other_form",
    "string_type": "field_no_text",
    "string_unicode": "field_no_text",
    "literal_error": "field_none_of",
    "too_long": "field_too_many",
    "too_short": "field_too_few",
    "list_type": "field_no_list",
    "dict_type": "field_no_object",
    "model_type": "field_no_object",
    "model_attributes_type": "field_no_object",
    "json_invalid": "field_no_json",
    "greater_than": "field_above",
    "greater_than_equal": "field_least",
    "less_than": "field_below",
    "less_than_equal": "field_most",
}
"""By pydantic's type of error."""

KINDS = {"bool": "field_no_switch", "int": "field_no_whole", "float": "field_no_number", "finite": "field_no_number"}
"""By how such a type begins: `float_type`, `float_parsing`, ..."""

MOMENT = re.compile(r"(_at|until|by)$")
"""Fields that are a time."""


def problem_in(error: Mapping[str, Any], lang: str) -> str:
    """One of pydantic's errors as a sentence. What there are no words for is told in English as it came."""
    kind, given = error["type"], error.get("ctx", {})
    key = TEXTS.get(kind) or KINDS.get(kind.partition("_")[0])
    if key in {"field_no_number", "field_least", "field_most"} and MOMENT.search(str((error["loc"] or ("",))[-1])):
        key = "field_no_time"
    if key is None:
        return str(error["msg"]) if lang != "zh" else say(lang, "field_wrong")
    most, least = given.get("max_length", given.get("le", given.get("lt"))), given.get("min_length", given.get("ge"))
    if key == "field_too_short" and least == 1:
        key = "field_empty"
    choices = ", ".join(re.findall(r"'([^']*)'", str(given.get("expected", ""))))
    return say(lang, key, most=most, least=given.get("gt", least), choices=choices)
