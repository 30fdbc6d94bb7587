"""ToEnrichedPost: from a safe SocialPost to the record that waits for its vector."""

from __future__ import annotations

from typing import Any

from glue.transforms.contract import Record
from glue.transforms.language import guess
from glue.transforms.shape import Shape, iso


class ToEnrichedPost(Shape):
    """Build an EnrichedPost: times as ISO 8601 texts, the language guessed, only fields that a search needs."""

    schema_file = "enriched_post.avsc"

    def build(self, record: Record, value: dict[str, Any]) -> dict[str, Any]:
        content = value["content"]
        return {
            "post_id": value["post_id"],
            "platform": value["platform"],
            "content": content,
            "author_username_hash": value.get("author_username_hash"),
            "hashtags": value.get("hashtags") or [],
            "product_mentions": value.get("product_mentions") or [],
            "language": guess(content),
            "likes": value.get("likes", 0),
            "comments": value.get("comments", 0),
            "shares": value.get("shares", 0),
            "engagement": value.get("engagement_count", 0),
            "timestamp": iso(value["posted_at"]),
            "collected_at": iso(value["collected_at"]),
        }
