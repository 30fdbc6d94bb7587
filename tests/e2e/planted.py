"""A made-up person, and every way into the pipeline: files, webhooks, a site's pages, a site's API, the raw topics."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import html
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests

from connectors.webhook import signature
from glue.avro import encoder_for_subject
from glue.identity import record_key
from glue.kafka.produce import ProducerRecord
from glue.local import ports
from glue.registry import registry_client
from glue.settings import Settings, project_root
from tests.waiting import wait_for

RAW = ("source.social.facebook", "source.market.shopify")
_LETTERS = "bcdfghjkmnpqrstvwz"


class Person:
    """Made up, and new in each run, so that what is found is what was planted."""

    def __init__(self) -> None:
        pick = random.SystemRandom()
        letters = "".join(pick.choice(_LETTERS) for _ in range(9))
        digits = "".join(pick.choice("123456789") for _ in range(8))
        self.phone = f"017{digits}"
        self.mail, self.handle, self.name = f"no.{letters}@example.com", f"h_{letters}", f"Rahim {letters.title()}"
        self.house, self.nid = (
            f"{digits[:5]}/{letters[0].upper()}",
            "19" + "".join(pick.choice("13579") for _ in range(15)),
        )
        self.sought = {
            "phone": self.phone[1:], "mail": f"no.{letters}", "handle": self.handle, "name": letters.title(),
            "house": self.house, "nid": self.nid,
        }  # fmt: skip

    def text(self) -> str:
        return (
            f"দাম কত? Call {self.phone} or {self.mail}, @{self.handle}, my name is {self.name}, "
            f"House {self.house}, Road 4, Sector 9, Uttara, Dhaka. NID {self.nid}. facebook.com/{self.handle}"
        )

    def patterns(self) -> dict[bytes, str]:
        """Each detail in the forms in which bytes may hold it."""
        found: dict[bytes, str] = {}
        for kind, text in self.sought.items():
            forms = [text.encode(), text.lower().encode(), text.encode("utf-16-le"), text.encode("utf-16-be")]
            forms += [text.encode().hex().encode(), text.translate(_BENGALI).encode()]
            for shift in range(3):  # base64 at each of the three places where it may begin, without what it shares
                encoded = base64.b64encode(b"\0" * shift + text.encode())
                forms.append(encoded[-(-shift * 8 // 6) : (shift + len(text)) * 8 // 6])
            found |= dict.fromkeys(forms, kind)
        for text in (self.phone, self.phone[1:], f"88{self.phone}", f"+88{self.phone}", self.mail):
            for algorithm in ("md5", "sha1", "sha256"):  # all phones can be tried, so a hash without a key is as good
                digest = hashlib.new(algorithm, text.encode()).digest()
                found |= dict.fromkeys((digest, digest.hex().encode()), f"{algorithm} of")
            found[record_key("facebook", text).encode()] = "key of"
        return found


_BENGALI = str.maketrans("0123456789", "০১২৩৪৫৬৭৮৯")


def typed(person: Person, folder: Path, mark: str) -> list[tuple[str, Path, int]]:
    """What people type, in every field that takes a text: the source, the file, and how many of its lines are bad."""
    post = {
        "post_id": f"p-{mark}",
        "content": person.text(),
        "author_username": person.handle,
        "url": f"https://example.com/@{person.handle}/1",
        "hashtags": [person.phone, f"@{person.handle}"],  # a bare handle is a word like others: known to remain
        "product_mentions": [f"shoes of {person.phone}"],
        "product_ids": [person.phone],
    }
    order = {
        "order_id": f"o-{mark}",
        "line_id": "1",
        "product_id": "p-1",
        "product_name": f"Saree for {person.phone}",
        "quantity": 1,
        "price": 10,
        "ordered_at": "2026-11-01T10:00:00Z",
        "customer_name": person.name,
        "customer_phone": person.phone,
        "customer_email": person.mail,
        "note": person.text(),
        "sku": person.phone,
        "category": f"for {person.mail}",
        "shipping_city": f"House {person.house}, Road 4, Uttara",
    }
    bad_posts: list[Any] = [{**post, "likes": -1}, {**post, "content": None}, {"content": [person.text()]}]
    posts = folder / f"posts of {person.phone} {person.name}.jsonl"
    _write(posts, [post, {"content": person.text()}, {**post, "post_id": person.phone}, *bad_posts])
    with posts.open("a") as more:
        more.write('{"content": "' + person.phone)
    bad_orders: list[Any] = [{**order, "quantity": person.phone + "x"}, {**order, "ordered_at": person.text()}]
    orders = folder / f"{person.phone}.jsonl"
    named = {"order_id": person.phone, "line_id": person.mail, "product_id": person.phone}
    _write(orders, [order, {**order, **named}, *bad_orders])
    return [("facebook", posts, len(bad_posts) + 1), ("shopify", orders, len(bad_orders))]


def _write(file: Path, lines: list[Any]) -> None:
    file.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in lines), encoding="utf-8")


def injected(person: Person, settings: Settings, mark: str) -> list[ProducerRecord]:
    """What somebody with access writes straight to a raw topic: headers, a key, records that are damaged or clear."""
    encode = encoder_for_subject(registry_client(settings), f"{RAW[0]}-value")
    counts = dict.fromkeys(("likes", "comments", "shares", "engagement_count", "posted_at", "collected_at"), 0)
    texts = {name: [person.phone] for name in ("hashtags", "product_mentions", "product_ids")}
    own = {"post_id": f"i-{mark}", "platform": "facebook", "content": person.text(), "author_username": person.handle}
    value = {**own, **texts, **counts, "url": None}
    text, phone = person.text().encode(), person.phone.encode()
    good, key = encode(value), record_key("facebook", mark).encode()
    headers: list[tuple[str, bytes | None]] = [("note", text), ("millionx.note", phone), ("tracestate", phone)]
    bad = [good[:60], b"\0\0\0\0\1" + text, text, encode({**value, "likes": -1})]
    return [
        ProducerRecord(RAW[0], key, good, headers),
        ProducerRecord(RAW[0], phone, good, headers),
        *(ProducerRecord(RAW[0], person.mail.encode(), one, headers) for one in bad),
    ]


def through_webhooks(person: Person, mark: str) -> bytes:
    """Signed orders, requests and nonsense to a receiver of its own; all that it wrote and answered."""
    (port,) = ports.choose(1)
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "glue", "webhook", "serve", "--source", "shopify", "--port", str(port)]
    env = {**os.environ, "MXCTL_SANDBOX": "http://127.0.0.1:9"}  # its shop is never called
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env) as running:
        try:
            wait_for(lambda: running.poll() is not None or _answers(f"{address}/health"), what="the receiver")
            assert running.poll() is None, running.communicate()
            said = [
                f"{answer.status_code} ".encode() + answer.content
                for answer in (_sent(f"{address}/webhooks/shopify", **one) for one in _webhooks(person, mark))
            ]
            assert [one[:3] for one in said] == [b"200", b"200", b"200", b"200", b"200", b"404", b"422", b"401"], said
            said += [requests.get(f"{address}/{path}", timeout=30).content for path in ("metrics", "health")]
        finally:
            running.terminate()
        assert running.stdout is not None
        return b"\n".join([*said, running.stdout.read()])


def _answers(address: str) -> bool:
    with contextlib.suppress(requests.RequestException):
        return requests.get(address, timeout=10).ok
    return False


def _webhooks(person: Person, mark: str) -> list[dict[str, Any]]:
    at = "2026-11-01T10:00:00Z"
    line = {"id": 7, "product_id": 9, "sku": person.phone, "title": f"Saree for {person.phone}", "quantity": 1}
    who = {"first_name": "Rahim", "last_name": person.name.split()[1], "phone": person.phone, "email": person.mail}
    address = {"city": f"House {person.house}, Road 4, Uttara", "name": person.name, "phone": person.phone}
    order = {
        "id": f"w-{mark}", "created_at": at, "updated_at": at, "currency": "BDT", "financial_status": "paid",
        "customer": who, "shipping_address": address, "note": person.text(), "tags": person.text(),
        "line_items": [{**line, "price": "10.00"}],
    }  # fmt: skip
    by_phone = {**order, "id": person.phone, "line_items": [{**line, "id": person.mail, "price": "10.00"}]}
    bad = {**order, "id": f"b-{mark}", "line_items": [{**line, "price": person.text()}], "created_at": person.text()}
    redact = {"shop_domain": "other.example", "customer": who, "orders_to_redact": [person.phone]}
    return [
        {"body": order},
        {"body": by_phone, "webhook_id": person.phone},
        {"body": bad},
        {"body": person.text().encode()},  # signed, and no JSON
        {"body": redact, "topic": "customers/redact"},
        {"body": order, "topic": f"orders/{person.phone}"},
        {"body": person.text().encode(), "topic": "customers/redact"},
        {"body": order, "signed": person.mail},
    ]


def _sent(address: str, body: Any, topic: str = "orders/create", webhook_id: str = "", signed: str = "") -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    headers = {
        "X-Shopify-Hmac-Sha256": signed or signature("sandbox-webhook-secret", data), "X-Shopify-Topic": topic,
        "X-Shopify-Triggered-At": "2026-11-01T10:00:00Z", "X-Shopify-Shop-Domain": "other.example",
        **({"X-Shopify-Webhook-Id": webhook_id} if webhook_id else {}),
    }  # fmt: skip
    return requests.post(address, data=data, headers=headers, timeout=60)


class Site:
    """Pages of TikTok and Facebook, and Facebook's API, with posts of a person. ``changed``: as no selector fits."""

    def __init__(self, person: Person, mark: int) -> None:
        self.changed = False
        site, text, name, now = self, html.escape(person.text()), html.escape(person.handle), int(time.time()) - 3600
        tiktok = "".join(
            f"""<div data-e2e="search_top-item"><a href="/@{name}/video/{(now << 32) + mark + number}">see</a>
            <span data-e2e="search-card-video-caption">{text}</span><img alt="{text}">
            <p data-e2e="search-card-user-unique-id">{name}</p><strong data-e2e="like-count">3</strong>
            <strong data-e2e="comment-count">{count}</strong></div>"""
            for number, count in enumerate(("1", person.mail))
        )
        facebook = "".join(
            f"""<article data-ft="{html.escape(json.dumps({"top_level_post_id": native}))}">
            <h3><a href="/{name}">{name}</a></h3><abbr data-utime="{now}"></abbr>
            <div class="userContent">{text}</div><span data-sigil="reactions-count">{count}</span></article>"""
            for native, count in ((str(mark), "2"), (person.phone, "3"), (str(mark + 1), person.mail))
        )
        created = f"{datetime.fromtimestamp(now, UTC):%Y-%m-%dT%H:%M:%S}+0000"
        post = {"id": f"1_{mark}9", "message": person.text(), "created_time": created}
        api = {
            "data": [
                post,
                {**post, "id": person.phone},
                {**post, "id": person.mail, "reactions": {"summary": {"total_count": person.text()}}},
            ]
        }

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = urllib.parse.urlsplit(self.path).path
                found = {"tiktok": tiktok, "facebook": facebook}.get(path.split("/")[1])
                is_api = "/v25.0/" in path
                self.send_response(404 if found is None or path == "/robots.txt" else 200)
                self.send_header("Content-Type", "application/json" if is_api else "text/html; charset=utf-8")
                self.end_headers()
                page = (found or "").replace("data-e2e=", "data-x=").replace("data-ft=", "data-y=")
                text = json.dumps(api) if is_api else page if site.changed else found or ""
                self.wfile.write(text.encode() if is_api else f"<html><body>{text}</body></html>".encode())

            def log_message(self, format: str, *args: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    @contextlib.contextmanager
    def running(self) -> Iterator[Site]:
        """Serve."""
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        yield self
        self._server.shutdown()
        self._server.server_close()


def without_token(folder: Path) -> Path:
    """The declared configuration, with a Facebook that has no token and so is read by its pages."""
    made = folder / "connect-config"
    shutil.copytree(project_root() / "connect-config", made)
    local = made / "profiles" / "local.json"
    document = json.loads(local.read_text())
    document["sources"]["facebook"]["options"]["token"] = ""
    local.write_text(json.dumps(document))
    return made
