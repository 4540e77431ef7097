"""Local model: the request that asks an Ollama model for a query, and its answer, checked as if it were typed.

Only for the page's "try with the local model": what comes back is shown for the user to apply, and never runs by itself.
"""

from __future__ import annotations

from typing import Any

import orjson
from pydantic import ValidationError

from trading_assets.errors import NotUnderstoodError, Problem, VendorDataError
from trading_assets.screener.english.words import TEXT_VALUES
from trading_assets.screener.fields import FIELDS
from trading_assets.screener.filters import In, Query, predicates
from trading_assets.sectors import SECTORS

CHAT_PATH = "/api/chat"
LONGEST_SENTENCE = 1_000
_INSTRUCTIONS = """You translate one sentence about US shares into a filter, as JSON of the given schema.
Use only the fields below. Say nothing that the sentence does not say: leave out what no field can express.
Fractions are written as decimals: 5% is 0.05. Amounts are plain numbers: $10B is 10000000000.
"sessions_ago" is 0 unless the sentence speaks of an earlier session. "top" needs "sort".

Fields:
"""


def request_body(sentence: str, model: str) -> dict[str, Any]:
    """Return the body of a request to ``/api/chat``: the sentence, the list of fields, and the schema of the answer.

    Nothing else is sent. Temperature 0: the same sentence gives the same answer.

    Raises
    ------
    NotUnderstoodError
        If the sentence has more than `LONGEST_SENTENCE` characters.
    """
    if len(sentence) > LONGEST_SENTENCE:
        message = f"the sentence has more than {LONGEST_SENTENCE:,} characters"
        raise NotUnderstoodError((Problem(0, len(sentence), sentence, message),))
    return {
        "model": model,
        "messages": [
            {"role": "system", "content": _INSTRUCTIONS + _field_list()},
            {"role": "user", "content": sentence},
        ],
        "format": answer_schema(),
        "options": {"temperature": 0},
        "stream": False,
    }


def answer_schema() -> dict[str, Any]:
    """Return the JSON schema of a query in which a field can only be one of the registry's, and every node says its kind."""
    schema = Query.model_json_schema()
    for name, definition in schema["$defs"].items():
        properties = definition.get("properties", {})
        if "kind" in properties:
            definition["required"] = ["kind", *definition.get("required", [])]
        field = properties.get("field")
        if field is not None:
            kind = "text" if name == In.__name__ else "number"
            field["enum"] = [item.name for item in FIELDS.values() if item.kind == kind]
    return schema


def read_answer(body: bytes) -> Query:
    """Return the query of an answer.

    It passes the same checks as a query of any other source: known fields, finite numbers within their ranges, limits of
    size, nothing unknown; and the values of sectors, exchanges and asset types are ones that exist.

    Raises
    ------
    VendorDataError
        If it is anything else, or empty.
    """
    try:
        content = orjson.loads(body)["message"]["content"]
        query = Query.model_validate_json(content, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        reason = first["msg"].removeprefix("Value error, ")
        raise _unusable(f"{'.'.join(map(str, first['loc']))}: {reason}".removeprefix(": ")) from error
    except (ValueError, KeyError, TypeError) as error:
        raise _unusable("not an answer of Ollama's chat") from error
    if query.where is None and query.sort is None:
        raise _unusable("it asks for nothing")
    for condition in predicates(query.where):
        if isinstance(condition, In):
            _require_known(condition)
    return query


def _require_known(condition: In) -> None:
    known = _known_values(condition.field)
    strangers = [value for value in condition.values if known and value not in known]
    if strangers:
        raise _unusable(f"no {FIELDS[condition.field].label} {strangers[0]!r}")


def _known_values(field: str) -> list[str]:
    if field == "sector":
        return [sector.name for sector in SECTORS]
    return [code for name, code, _ in TEXT_VALUES if name == field]


def _field_list() -> str:
    lines = []
    for field in FIELDS.values():
        known = _known_values(field.name)
        meaning = f"{field.description}{f' ({field.unit})' if field.unit else ''}"
        lines.append(f"{field.name}: {meaning}{': one of ' + ', '.join(known) if known else ''}")
    return "\n".join(lines)


def _unusable(reason: str) -> VendorDataError:
    return VendorDataError(
        f"The local model's answer is not a query that can be run ({reason}): say it in other words"
    )
