"""Shopify's GraphQL Admin API as far as orders and bulk operations go: cost, throttling, errors with 200."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from sandbox.made_data import Json
from sandbox.shopify import listed
from sandbox.shopify_bulk import Jobs
from sandbox.shopify_cost import Points, actual_cost, requested_cost
from sandbox.shopify_nodes import connection, order_node, refund_nodes
from sandbox.versions import shopify_version
from sandbox.world import TOKENS, World

if TYPE_CHECKING:
    from graphql import GraphQLSchema

MOST_FOR_ONE = 1000  # points of one query
_POINTS = 500  # of a GraphQL query, for one request of REST: 1,000 a second, as a shop of the plan Plus has
_TIMES = re.compile(r"updated_at:(>=|<=)'([^']+)'")
_BREAKS: list[Json] = [
    {"lineItems": None},
    {"updatedAt": "yesterday"},
    {"id": "(missing)"},
    {"lineItems": {"nodes": [{"id": "gid://shopify/LineItem/1", "title": "", "quantity": 0}],
                   "pageInfo": {"hasNextPage": False, "endCursor": None}}},
]  # fmt: skip


def window(search: str | None) -> tuple[datetime | None, datetime | None]:
    """The oldest and the latest update that a search asks for."""
    found = {sign: datetime.fromisoformat(text) for sign, text in _TIMES.findall(search or "")}
    return found.get(">="), found.get("<=")


class Shop:
    """Resolvers of the schema's roots."""

    def __init__(self, world: World, jobs: Jobs) -> None:
        self.world = world
        self.jobs = jobs

    def orders(self, info: Any, query: str | None = None, sortKey: str = "PROCESSED_AT", **given: Any) -> Any:  # noqa: N803
        """A page of orders."""
        if not given.get("after"):
            self.world.listings["shopify"] = self.world.listings.get("shopify", 0) + 1
        found = listed(self.world, *window(query))
        if sortKey != "UPDATED_AT":
            found = sorted(found, key=lambda order: order.created_at)
        # A cursor is a place in the order of updates, as an order that is updated meanwhile moves behind it.
        after = given.pop("after", None)
        if after:
            at, number = after.split("/")
            found = [one for one in found if (one.updated_at, one.number) > (datetime.fromisoformat(at), int(number))]
        page = connection([order_node(order) for order in found])(info, **given)
        if page["pageInfo"]["endCursor"]:
            last = found[len(page["nodes"]) - 1]
            page["pageInfo"]["endCursor"] = f"{last.updated_at.isoformat()}/{last.number}"
        return page

    def node(self, info: Any, id: str) -> Any:
        """An order or a refund by its id."""
        kind, number = id.removeprefix("gid://shopify/").split("/")
        orders = self.world.orders["shopify"]
        if kind == "Order" and int(number) in orders:
            return order_node(orders[int(number)])
        order = orders.get(int(number) // 3) if kind == "Refund" else None
        return next((one for one in refund_nodes(order) if one["id"] == id), None) if order else None

    def order(self, info: Any, id: str) -> Any:
        """An order by its id."""
        return self.node(info, id)

    def nodes(self, info: Any, ids: list[str]) -> list[Any]:
        """Several at once."""
        return [self.node(info, one) for one in ids]

    def bulkOperation(self, info: Any, id: str) -> Any:  # noqa: N802
        """A job, one step further each time."""
        return self.jobs.poll(id)

    def bulkOperationRunQuery(self, info: Any, query: str, groupObjects: bool = False) -> Any:  # noqa: N802, N803
        """Begin a job."""
        return self.jobs.run(query)

    def bulkOperationCancel(self, info: Any, id: str) -> Any:  # noqa: N802
        """End a job."""
        return self.jobs.cancel(id)


def schema() -> GraphQLSchema:
    """The schema of the file beside this one."""
    from graphql import build_schema

    return build_schema((Path(__file__).parent / "shopify.graphql").read_text(encoding="utf-8"))


def routes(world: World) -> list[Route]:
    """The routes below ``/shopify``."""
    made: list[GraphQLSchema] = []
    points = Points(_POINTS * world.options.bucket_size, _POINTS * world.options.bucket_leak)
    jobs = Jobs(world, lambda query: _execute(made[0], Shop(world, jobs), query, {}, bulk=True)[0])

    async def graphql(request: Request) -> Response:
        faults = world.faults
        version = shopify_version(request.path_params["version"], datetime.now(UTC).date())
        if version is None:
            return JSONResponse({"errors": "Not Found"}, 404)
        if request.headers.get("X-Shopify-Access-Token") != TOKENS["shopify"] or faults.has("shopify", "expired-token"):
            return JSONResponse(
                {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}, 401
            )
        if faults.has("shopify", "html-instead-of-json"):
            return HTMLResponse("<html><body>Bad gateway</body></html>")
        made[:] = made or [schema()]
        jobs.address = str(request.url).split("/admin/")[0]
        body = await request.json()
        answer = _answer(made[0], Shop(world, jobs), points, str(body.get("query")), dict(body.get("variables") or {}))
        return JSONResponse(answer, headers={"X-Shopify-API-Version": version})

    async def rows(request: Request) -> Response:
        found = jobs.file(request.path_params["name"])
        if found is None or request.headers.get("X-Shopify-Access-Token"):  # signed: a token has no place here
            return PlainTextResponse("<Error><Code>AccessDenied</Code></Error>", 403)
        return PlainTextResponse(found)

    return [
        Route("/admin/api/{version}/graphql.json", graphql, methods=["POST"]),
        Route("/bulk-results/{name}", rows),
    ]


def _error(message: str, code: str | None = None, **more: Any) -> Json:
    return {"message": message, **({"extensions": {"code": code, **more}} if code else {})}


def _answer(schema: GraphQLSchema, shop: Shop, points: Points, query: str, variables: Json) -> Json:
    from graphql import GraphQLError, parse, validate

    try:
        document = parse(query)
        wrong = validate(schema, document)
    except GraphQLError as error:
        wrong = [error]
    if wrong:
        return {
            "errors": [
                _error(one.message, "undefinedField" if "Cannot query" in one.message else None) for one in wrong
            ]
        }
    requested = requested_cost(schema, document, variables)
    if requested > MOST_FOR_ONE:
        text = f"Query cost is {requested}, which exceeds the single query max cost limit ({MOST_FOR_ONE})."
        return {"errors": [_error(text, "MAX_COST_EXCEEDED", cost=requested, maxCost=MOST_FOR_ONE)]}
    if requested > points.available() or shop.world.faults.has("shopify", "throttle"):
        extensions = points.as_json(requested, None)
        return {"errors": [_error("Throttled", "THROTTLED")], "extensions": extensions}
    data, errors = _execute(schema, shop, query, variables)
    points.left -= actual_cost(data)
    if data and data.get("orders"):
        _spoil(shop.world, data["orders"], errors)
    return {
        "data": data,
        **({"errors": errors} if errors else {}),
        "extensions": points.as_json(requested, actual_cost(data)),
    }


def _execute(
    schema: GraphQLSchema, shop: Shop, query: str, variables: Json, bulk: bool = False
) -> tuple[Any, list[Json]]:
    from graphql import graphql_sync

    result = graphql_sync(schema, query, shop, {"bulk": bulk}, variables)
    errors = [{**_error(one.message, "BAD_REQUEST"), "path": one.path} for one in result.errors or []]
    return result.data, errors


def _spoil(world: World, orders: Json, errors: list[Json]) -> None:
    """The faults of records."""
    nodes = orders["nodes"]
    if world.faults.has("shopify", "partial-errors") and nodes:
        nodes[-1]["lineItems"] = None
        errors.append({**_error("Internal error", "INTERNAL_SERVER_ERROR"),
                       "path": ["orders", "nodes", len(nodes) - 1, "lineItems"]})  # fmt: skip
    orders["nodes"] = [
        world.broken("shopify", int(str(one.get("id", "0")).rpartition("/")[2]), one, _BREAKS) for one in nodes
    ]
    if world.faults.has("shopify", "duplicate-records"):
        orders["nodes"] += orders["nodes"][:3]
