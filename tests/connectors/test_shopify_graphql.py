"""Shopify by GraphQL: complete orders, by cost, the same records as by REST and by webhook."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import requests

from connectors import shopify_pages, shopify_queries
from connectors.errors import CredentialError, ThrottledError
from connectors.http import Answer
from connectors.models import MarketOrder
from connectors.shopify_graphql import GraphQl, Node, TooCostlyError
from glue.errors import MillionXError, ServiceError, ServiceUnavailableError

Make = Callable[..., Any]
NOW = datetime.now(UTC)
SIZE = ("--orders", "60", "--bucket-leak", "1000")


def records(fields: list[Any]) -> dict[str, dict[str, Any]]:
    """The records of a source by key, without the time of their collection."""
    made = [MarketOrder.model_validate(one) for one in fields]
    return {one.key: one.model_dump(exclude={"collected_at"}) for one in made}


def test_an_order_is_the_same_by_graphql_rest_and_webhook(
    make_sandbox: Make, local_config: Make, offline: Make
) -> None:
    sandbox = make_sandbox(*SIZE)
    found = [records(offline(local_config("shopify", sandbox, {"api": api})).read()) for api in ("graphql", "rest")]
    bodies = requests.get(
        f"{sandbox.address}/shopify/admin/api/2026-10/orders.json", {"status": "any", "limit": "250"},
        headers={"X-Shopify-Access-Token": "sandbox-token"}, timeout=10,
    ).json()["orders"]  # fmt: skip
    source = offline(local_config("shopify", sandbox)).source
    found.append(records([one for body in bodies for one in source.parse(json.loads(json.dumps(body)), NOW)]))
    assert len({one["order_id"] for one in found[0].values()}) == 60
    assert {one["quantity_returned"] for one in found[0].values()} == {0, 1}
    assert {one["order_status"] for one in found[0].values()} > {"cancelled", "fulfilled"}
    assert found[0] == found[1] == found[2]


def test_lines_beyond_the_first_page_of_an_order_are_read(
    make_sandbox: Make, local_config: Make, offline: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = make_sandbox(*SIZE)
    whole = records(offline(local_config("shopify", sandbox)).read())
    monkeypatch.setattr(shopify_queries, "LINES", 1)
    monkeypatch.setattr(shopify_pages, "INNER", 1)
    source = offline(local_config("shopify", sandbox))
    assert records(source.read()) == whole
    assert (
        max(
            sum(one["order_id"] == order for one in whole.values()) for order in {o["order_id"] for o in whole.values()}
        )
        == 3
    )


def test_entries_of_a_refund_beyond_its_first_page_are_read() -> None:
    asked = []

    class Graph:
        def ask(self, what: str, query: str, variables: Node) -> Node:
            asked.append(variables)
            more = variables["after"] == "a"
            page = {"nodes": [{"quantity": len(asked)}], "pageInfo": {"hasNextPage": more, "endCursor": "b"}}
            return {"node": {"refundLineItems": page}}

        ask_sized = GraphQl.ask_sized

    first = {"nodes": [{"quantity": 9}], "pageInfo": {"hasNextPage": True, "endCursor": "a"}}
    refund = {"id": "gid://shopify/Refund/1", "refundLineItems": first}
    shopify_pages._exhaust(Graph(), refund)  # type: ignore[arg-type]
    assert [one["quantity"] for one in refund["refundLineItems"]["nodes"]] == [9, 1, 2]  # type: ignore[index]
    assert [one["after"] for one in asked] == ["a", "b"]


def test_no_page_is_asked_for_that_costs_too_much(make_sandbox: Make, local_config: Make, offline: Make) -> None:
    source = offline(local_config("shopify", make_sandbox(*SIZE), {"page_size": 250}))
    assert len({one["order_id"] for one in source.read()}) == 60
    assert (source.stats.attempts["throttled"], source.stats.attempts["refused"]) == (0, 0), (
        "asked for what may be asked"
    )
    assert 250 * 1000 / 16_000 > 60 / len(source.cursors) > 10, "as large as it may be"


def test_a_query_that_costs_too_much_is_asked_for_less() -> None:
    asked = []

    def call(size: int) -> str:
        asked.append(size)
        if size > 4:
            raise TooCostlyError("orders", 0.5)
        return "page"

    assert GraphQl.ask_sized(None, "orders", 15, call) == ("page", 3)  # type: ignore[arg-type]
    assert asked == [15, 7, 3]


def test_a_throttle_is_waited_for_and_nothing_is_lost(make_sandbox: Make, local_config: Make, offline: Make) -> None:
    throttled = []
    for faults in ([], ["shopify:throttle@2x"]):
        source = offline(local_config("shopify", make_sandbox(*SIZE, fault=faults)))
        assert len({one["order_id"] for one in source.read()}) == 60
        throttled.append(source.stats.attempts["throttled"])
    assert throttled[1] == throttled[0] + 2  # a query that the shop wants smaller counts in both


def test_an_answer_with_data_and_errors_is_not_taken(make_sandbox: Make, local_config: Make, offline: Make) -> None:
    sandbox = make_sandbox(*SIZE, fault=["shopify:partial-errors@1x"])
    source = offline(local_config("shopify", sandbox))
    assert len({one["order_id"] for one in source.read()}) == 60
    assert source.stats.attempts["transient"] == 1
    sandbox.faults("shopify:partial-errors")
    lasting = offline(local_config("shopify", sandbox))
    with pytest.raises(ServiceUnavailableError, match=r"INTERNAL_SERVER_ERROR at orders\.nodes\.lineItems"):
        lasting.read()
    assert not lasting.cursors


@pytest.mark.parametrize(
    ("errors", "kind", "says"),
    [
        ([{"message": "m", "extensions": {"code": "THROTTLED"}}], ThrottledError, "throttled by cost"),
        ([{"extensions": {"code": "MAX_COST_EXCEEDED", "cost": 2000, "maxCost": 1000}}], TooCostlyError, "costs more"),
        ([{"extensions": {"code": "ACCESS_DENIED"}, "path": ["orders", 1, "customer"]}], CredentialError, "orders"),
        ([{"message": "Field 'x' doesn't exist", "extensions": {"code": "undefinedField"}}], ServiceError, "undefined"),
        ([{"message": "secret 01711000000"}], ServiceError, "without a code at the query"),
        ("[API] Invalid", ServiceError, "without a list"),
        ([None, "x", {"extensions": None, "path": "orders"}], ServiceError, "without a code"),
    ],
)  # fmt: skip
def test_errors_are_told_apart_and_quote_nothing(
    errors: Any, kind: type[MillionXError], says: str, make_sandbox: Make, local_config: Make, offline: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    status = {"maximumAvailable": 2000, "currentlyAvailable": 40, "restoreRate": 100}
    body = {"data": {"orders": {"nodes": [], "pageInfo": {}}}, "errors": errors,
            "extensions": {"cost": {"requestedQueryCost": 340, "throttleStatus": status}}}  # fmt: skip
    http = offline(local_config("shopify", make_sandbox())).source.context.http
    monkeypatch.setattr(http, "send", lambda *_, **__: Answer(200, {}, json.dumps(body).encode()))
    with pytest.raises(kind, match=says) as caught:
        GraphQl(http, "http://x.example", "2026-10", "t").once("Shopify orders", "{ shop }", {})
    assert "01711000000" not in repr(caught.value)
    if isinstance(caught.value, ThrottledError):
        assert caught.value.retry_after == 3.0, "until the points for the query are there again"
    if isinstance(caught.value, TooCostlyError):
        assert caught.value.ratio == 0.5


def test_without_an_approval_nothing_of_a_customer_is_asked_for(
    make_sandbox: Make, local_config: Make, offline: Make
) -> None:
    found = offline(local_config("shopify", make_sandbox(*SIZE), {"customer_fields": False})).read()
    names = ("customer_name", "customer_phone", "customer_email", "shipping_city")
    assert {tuple(one[name] for name in names) for one in found} == {(None, None, None, None)}
    for word in ("email", "phone", "customer", "Address"):
        assert word not in shopify_queries.orders_query(False)


def test_a_broken_line_does_not_take_its_order(make_sandbox: Make, local_config: Make, offline: Make) -> None:
    source = offline(local_config("shopify", make_sandbox(*SIZE))).source
    (page, *_) = source.pages(_all(), {})
    order = next(one for one in page.records if len(one["lineItems"]["nodes"]) > 1)
    good = len(order["lineItems"]["nodes"])
    order["lineItems"]["nodes"].insert(1, {"id": "not a global id", "title": "x"})
    found = list(source.parse(order, NOW))
    assert len([one for one in found if "line_id" in one]) == good
    assert len(found) == good + 1


def _all() -> Any:
    from connectors.source import Window

    return Window()


def test_the_sandbox_refuses_what_the_real_one_refuses(make_sandbox: Make) -> None:
    sandbox = make_sandbox("--orders", "3")

    def ask(query: str, token: str = "sandbox-token", **variables: Any) -> requests.Response:
        return requests.post(
            f"{sandbox.address}/shopify/admin/api/2026-10/graphql.json", json={"query": query, "variables": variables},
            headers={"X-Shopify-Access-Token": token}, timeout=10,
        )  # fmt: skip

    assert ask("{ orders(first: 1) { nodes { id } } }", token="wrong").status_code == 401
    unknown = ask("{ orders(first: 1) { nodes { colour } } }")
    assert (unknown.status_code, unknown.json()["errors"][0]["extensions"]["code"]) == (200, "undefinedField")
    assert "first or last" in ask("{ orders { nodes { id } } }").json()["errors"][0]["message"]
    dear = ask("{ orders(first: 250) { nodes { id lineItems(first: 10) { nodes { id } } } } }").json()
    assert dear["errors"][0]["extensions"]["code"] == "MAX_COST_EXCEEDED"
    good = ask("{ orders(first: 2) { nodes { id } } }").json()
    cost = good["extensions"]["cost"]
    assert (len(good["data"]["orders"]["nodes"]), cost["requestedQueryCost"]) == (2, 4)
    assert cost["throttleStatus"]["maximumAvailable"] == 20_000


def _bag(amount: str) -> Node:
    return {"shopMoney": {"amount": amount}}


def _page(*nodes: Node) -> Node:
    return {"nodes": list(nodes), "pageInfo": {"hasNextPage": False, "endCursor": None}}


def test_money_tips_and_discounts_mean_the_same_by_graphql(
    make_sandbox: Make, local_config: Make, offline: Make
) -> None:
    """An order with everything that the sandbox's orders do not have, written in both shapes."""
    line = {"id": "gid://shopify/LineItem/11", "title": "Bag", "sku": None, "quantity": 4, "currentQuantity": 3,
            "isGiftCard": False, "product": {"id": "gid://shopify/Product/7", "productType": "Bags"},
            "originalUnitPriceSet": _bag("250.5"), "taxLines": [{"priceSet": _bag("10.0")}],
            "discountAllocations": [{"allocatedAmountSet": _bag("2.0")}]}  # fmt: skip
    tip = {**line, "id": "gid://shopify/LineItem/12", "title": "Tip", "quantity": 1, "currentQuantity": 1,
           "product": None, "originalUnitPriceSet": _bag("20.0"), "taxLines": [],
           "discountAllocations": []}  # fmt: skip
    refund = {"id": "gid://shopify/Refund/1", "totalRefundedSet": _bag("350.0"),
              "refundLineItems": _page({"quantity": 1, "restockType": "RETURN", "subtotalSet": _bag("250.0"),
                                        "lineItem": {"id": "gid://shopify/LineItem/11"}}),
              "orderAdjustments": _page({"amountSet": _bag("-40.0")}),
              "refundShippingLines": _page({"subtotalAmountSet": _bag("60.0")})}  # fmt: skip
    node = {"id": "gid://shopify/Order/5", "createdAt": "2026-01-05T04:00:00Z", "updatedAt": "2026-01-06T04:00:00Z",
            "cancelledAt": None, "cancelReason": None, "test": False, "note": None, "currencyCode": "BDT",
            "presentmentCurrencyCode": "USD", "displayFinancialStatus": "PARTIALLY_REFUNDED",
            "displayFulfillmentStatus": "PARTIALLY_FULFILLED", "totalTipReceivedSet": _bag("20.0"), "email": None,
            "phone": None, "customer": None, "shippingAddress": {"city": "Comilla", "name": "N", "phone": None},
            "billingAddress": None, "refunds": [refund], "lineItems": _page(line, tip)}  # fmt: skip
    rest_line = {"id": 11, "title": "Bag", "sku": "", "quantity": 4, "current_quantity": 3, "product_id": 7,
                 "product_type": "Bags", "price": "250.50", "tax_lines": [{"price": "10.00"}],
                 "discount_allocations": [{"amount": "2.00"}]}  # fmt: skip
    rest = {"id": 5, "created_at": "2026-01-05T10:00:00+06:00", "updated_at": "2026-01-06T10:00:00+06:00",
            "test": False, "currency": "BDT", "presentment_currency": "USD", "financial_status": "partially_refunded",
            "fulfillment_status": "partial", "shipping_address": {"city": "Comilla", "name": "N"},
            "line_items": [rest_line, {"id": 12, "title": "Tip", "quantity": 1, "current_quantity": 1, "price": "20.00",
                                       "product_type": "Bags", "tip": {"amount": "20.00"}} | {"product_type": None}],
            "refunds": [{"refund_line_items": [{"line_item_id": 11, "quantity": 1, "restock_type": "return"}],
                         "order_adjustments": [{"kind": "refund_discrepancy", "amount": "-40.00"},
                                               {"kind": "shipping_refund", "amount": "-60.00"}]}]}  # fmt: skip
    source = offline(local_config("shopify", make_sandbox())).source
    by_graphql, by_rest = (records(list(source.parse(one, NOW))) for one in (node, rest))
    assert by_graphql == by_rest
    kinds = {one["line_kind"]: one for one in by_rest.values()}
    assert set(kinds) == {"product", "tip"}
    assert sum(one["net_sales"] for one in by_rest.values()) == Decimal("750.0") + Decimal("20") - Decimal("40")


@pytest.mark.parametrize(
    ("word", "status"),
    [("UNFULFILLED", None), ("FULFILLMENT_NOT_REQUIRED", None), ("ON_HOLD", None), ("PARTIALLY_FULFILLED", "partial"),
     ("RESTOCKED", "restocked"), ("NEW_WORD_OF_2027", "new_word_of_")],
)  # fmt: skip
def test_words_of_fulfilment_are_those_of_rest(word: str, status: str | None) -> None:
    from connectors.shopify_nodes import _fulfillment

    assert (_fulfillment(word) or "").lower().startswith(status or "")
    assert (_fulfillment(word) is None) is (status is None)
