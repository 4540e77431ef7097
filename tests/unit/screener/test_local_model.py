"""Local model: it is told the sentence and the fields and nothing else, and its answer is trusted as little as any other."""

from __future__ import annotations

import json

import pytest

from resources.vendors.http.policy import Reply
from trading_assets.errors import ConfigurationError, NotUnderstoodError, VendorDataError
from trading_assets.screener.fields import FIELDS
from trading_assets.screener.filters import And, Comparison, In, Query, Sort
from trading_assets.screener.local_model import LONGEST_SENTENCE, answer_schema, read_answer, request_body
from trading_assets.screens.local_model import LocalModel, local_model
from trading_assets.settings import load_settings

GOOD = Query(
    where=And(
        filters=(
            Comparison(field="rsi_14", operator="<", value=30),
            In(field="sector", values=("Information Technology",)),
        )
    ),
    sort=Sort(field="market_cap"),
    top=20,
)


def answer(content: object) -> bytes:
    text = content if isinstance(content, str) else json.dumps(content)
    return json.dumps({"message": {"role": "assistant", "content": text}, "done": True}).encode()


def test_the_request_holds_the_sentence_the_fields_and_the_schema_and_no_more():
    body = request_body("beaten down tech giants", "small-model")
    assert body.keys() == {"model", "messages", "format", "options", "stream"}
    assert (body["model"], body["options"], body["stream"]) == ("small-model", {"temperature": 0}, False)
    system, user = body["messages"]
    assert user == {"role": "user", "content": "beaten down tech giants"}
    assert all(f"\n{name}: " in system["content"] for name in FIELDS)


def test_the_schema_lets_a_field_be_only_one_of_the_registry():
    definitions = answer_schema()["$defs"]
    numbers = [field.name for field in FIELDS.values() if field.kind == "number"]
    texts = [field.name for field in FIELDS.values() if field.kind == "text"]
    for name in ("Comparison", "Between", "Cross", "Term", "Sort"):
        assert definitions[name]["properties"]["field"]["enum"] == numbers
    assert definitions["In"]["properties"]["field"]["enum"] == texts
    assert "kind" in definitions["Comparison"]["required"]


def test_a_good_answer_is_the_query_that_it_says():
    asked: list[tuple[str, bytes]] = []

    def post(url: str, body: bytes) -> Reply:
        asked.append((url, body))
        return Reply(url=url, status=200, headers={}, body=answer(GOOD.model_dump(mode="json")))

    model = LocalModel("small-model", "http://127.0.0.1:11434/", post)
    assert model.suggest("beaten down tech giants") == GOOD
    assert [url for url, _ in asked] == ["http://127.0.0.1:11434/api/chat"]
    assert json.loads(asked[0][1]) == request_body("beaten down tech giants", "small-model")


def comparison(**changes: object) -> dict[str, object]:
    return {"where": {"kind": "comparison", "field": "rsi_14", "operator": "<", "value": 30} | changes}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>busy</html>", "not an answer of Ollama"),
        (b'{"error": "model not loaded"}', "not an answer of Ollama"),
        (answer("Sure! Here is your filter:"), "Invalid JSON"),
        (answer([]), "object"),
        (answer(comparison(field="free_cash_flow")), "no field 'free_cash_flow'"),
        (answer(comparison(field="sector")), "holds text, not number"),
        (answer(comparison(value=300)), "RSI is always between 0 and 100"),
        (answer(comparison(value="30")), "value"),
        (answer('{"where": {"kind": "comparison", "field": "pe", "operator": "<", "value": NaN}}'), "value"),
        (answer(comparison(comment="because")), "Extra inputs"),
        (answer({"where": {"kind": "sql", "text": "drop table"}}), "kind"),
        (answer({"where": {"kind": "in", "field": "sector", "values": ["Biotech"]}}), "no sector 'Biotech'"),
        (answer({"where": {"kind": "in", "field": "exchange", "values": ["LSE"]}}), "no exchange 'LSE'"),
        (answer({"top": 20}), "by what?"),
        (answer({}), "asks for nothing"),
    ],
)
def test_any_other_answer_is_refused_with_the_reason(body, reason):
    with pytest.raises(VendorDataError, match="say it in other words") as refused:
        read_answer(body)
    assert reason in str(refused.value)


def test_an_answer_deeper_than_a_query_may_be_is_refused():
    node: dict[str, object] = comparison()["where"]  # type: ignore[assignment]
    for _ in range(40):
        node = {"kind": "not", "filter": node}
    with pytest.raises(VendorDataError, match="at most"):
        read_answer(answer({"where": node}))


def test_a_very_long_sentence_is_not_sent():
    with pytest.raises(NotUnderstoodError, match="more than"):
        request_body("x" * (LONGEST_SENTENCE + 1), "small-model")


def test_without_a_model_in_the_settings_there_is_none(tmp_path):
    assert local_model(load_settings(env_file=None, data=tmp_path)) is None
    chosen = local_model(load_settings(env_file=None, data=tmp_path, local_model="small-model"))
    assert chosen is not None
    assert chosen.name == "small-model"
    with pytest.raises(ConfigurationError, match="TRADING_LOCAL_MODEL_URL"):
        load_settings(env_file=None, data=tmp_path, local_model_url="file:///etc/passwd")
