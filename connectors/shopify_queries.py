"""The GraphQL queries for orders, and how the parts of an order beyond one page are named.

Bulk queries allow neither fragments of their own kind nor a connection inside a list: the fields are put together as
text, and what was refunded is asked for by the ids of the refunds.
"""

from __future__ import annotations

from datetime import datetime

LINES = 5  # of an order in a page of orders; further ones have pages of their own, as few orders have more
REFUNDS = 15  # asked for at once
ENTRIES = 5  # of each kind in a refund, in a page of refunds
INNER = 50  # lines of one order, or entries of one refund, asked for at once
_MONEY = "{ shopMoney { amount } }"
_PAGE_INFO = "pageInfo { hasNextPage endCursor }"
_PERSONAL = """
email phone
customer { firstName lastName defaultEmailAddress { emailAddress } defaultPhoneNumber { phoneNumber } }
shippingAddress { name phone city province }
billingAddress { name phone city province }
"""
_ORDER = f"""
id createdAt updatedAt cancelledAt cancelReason test note currencyCode presentmentCurrencyCode
displayFinancialStatus displayFulfillmentStatus totalTipReceivedSet {_MONEY} refunds {{ id }}
"""
_LINE = f"""
id title sku quantity currentQuantity isGiftCard product {{ id productType }} originalUnitPriceSet {_MONEY}
discountAllocations {{ allocatedAmountSet {_MONEY} }} taxLines {{ priceSet {_MONEY} }}
"""
# connections of an order and of a refund -> the type that has it, the fields of its nodes
CONNECTIONS = {
    "lineItems": ("Order", _LINE),
    "refundLineItems": ("Refund", f"quantity restockType subtotalSet {_MONEY} lineItem {{ id }}"),
    "orderAdjustments": ("Refund", f"amountSet {_MONEY}"),
    "refundShippingLines": ("Refund", f"subtotalAmountSet {_MONEY}"),
}


def order_fields(personal: bool) -> str:
    """The fields of an order itself; without ``personal`` nothing that needs an approval for customers' data."""
    return _ORDER + (_PERSONAL if personal else "")


def _connection(name: str, arguments: str) -> str:
    return f"{name}({arguments}) {{ nodes {{ {CONNECTIONS[name][1]} }} {_PAGE_INFO} }}"


def orders_query(personal: bool) -> str:
    """A page of orders by update time, the oldest first: ``$first``, ``$after``, ``$search``."""
    return f"""query Orders($first: Int!, $after: String, $search: String) {{
      orders(first: $first, after: $after, query: $search, sortKey: UPDATED_AT) {{
        nodes {{ {order_fields(personal)} {_connection("lineItems", f"first: {LINES}")} }} {_PAGE_INFO}
      }}
    }}"""


def refunds_query() -> str:
    """Refunds by their ``$ids``."""
    inner = " ".join(_connection(name, f"first: {ENTRIES}") for name, (of, _) in CONNECTIONS.items() if of == "Refund")
    return f"""query Refunds($ids: [ID!]!) {{
      nodes(ids: $ids) {{ ... on Refund {{ id totalRefundedSet {_MONEY} {inner} }} }}
    }}"""


def rest_query(name: str) -> str:
    """What is behind ``$after`` of the connection ``name`` of the order or refund ``$id``."""
    inner = _connection(name, "first: $first, after: $after")
    return f"""query Rest($id: ID!, $first: Int!, $after: String!) {{
      node(id: $id) {{ ... on {CONNECTIONS[name][0]} {{ {inner} }} }}
    }}"""


def search(since: datetime | None, until: datetime | None) -> str | None:
    """The search of a window: both ends inclusive, in whole seconds as Shopify keeps them."""
    parts = [(">=", since), ("<=", until)]
    return " AND ".join(f"updated_at:{sign}'{_written(at)}'" for sign, at in parts if at is not None) or None


def _written(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def bulk_query(since: datetime | None, until: datetime | None, personal: bool) -> str:
    """All orders of a window with their lines, for a bulk operation."""
    asked = search(since, until)
    arguments = f'(query: "{asked}")' if asked else ""
    line = CONNECTIONS["lineItems"][1]
    return f"""{{ orders{arguments} {{ edges {{ node {{
      {order_fields(personal)} lineItems {{ edges {{ node {{ {line} }} }} }}
    }} }} }} }}"""


RUN_BULK = """mutation Run($query: String!) {
  bulkOperationRunQuery(query: $query, groupObjects: false) { bulkOperation { id } userErrors { code } }
}"""
BULK = """query Bulk($id: ID!) {
  bulkOperation(id: $id) { id status errorCode objectCount rootObjectCount fileSize url }
}"""
