from glue.audit import expect
from glue.identity import price_key, record_key

KEY = record_key("shopify", "1001", "1", 1764000000000)


def test_an_order_is_expected_as_a_row_and_as_a_price_under_its_own_key():
    assert expect.expected_keys("source.market.daraz", KEY) == [("orders", KEY), ("price_history", price_key(KEY))]
    assert price_key(KEY) != KEY


def test_posts_and_weather_keep_their_key():
    assert expect.expected_keys("source.social.tiktok", KEY) == [("vectors", KEY)]
    assert expect.expected_keys("context.weather", KEY) == [("weather_logs", KEY)]
    assert expect.expected_keys("enriched.weaviate.vectors", KEY) == []


def test_a_dead_letter_denies_only_the_store_it_kept_the_record_from():
    assert expect.stores_denied("prices", "source.market.daraz") == ("price_history",)
    assert expect.stores_denied("snowflake-sink", "sink.snowflake.orders") == ("orders",)
    assert expect.stores_denied("tiktok", "") == expect.ALL_STORES


def test_keys_do_not_run_into_each_other():
    assert record_key("a", "bc") != record_key("ab", "c")
    assert record_key("daraz", 1, 23) != record_key("daraz", 12, 3)
    assert record_key("daraz", 1, 23) == record_key("daraz", "1", "23")
