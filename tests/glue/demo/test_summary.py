from glue.audit.watch import Tally
from glue.demo.summary import summarise


def finished_tally() -> Tally:
    return Tally(
        produced={"source.social.tiktok": {"a": 1.0, "b": 1.0}, "source.market.daraz": {"o": 1.0}},
        waiting={"socialpost": {"b": 1.0}, "orders": {}, "price_history": {}, "weather_logs": {}},
        stored={"socialpost": {"a"}, "orders": {"o"}, "price_history": {"p"}, "weather_logs": set()},
        dead={"x"},
        latencies=[100.0, 200.0, 300.0],
        duplicates=2,
    )


def test_the_json_has_the_promised_shape_and_counts_what_is_lost():
    assert summarise(finished_tally()).as_json() == {
        "produced": {"tiktok": 2, "daraz": 1},
        "warehouse": {"orders": 1, "price_history": 1, "weather_logs": 0},
        "vectors": 1,
        "dead_letters": 1,
        "lost": 1,
        "duplicates": 2,
        "latency_ms": {"p50": 200, "p95": 290},
    }


def test_nothing_stored_has_no_latency_rather_than_zero():
    assert summarise(Tally()).as_json()["latency_ms"] == {"p50": None, "p95": None}


def test_the_text_names_what_a_person_asks_first():
    text = summarise(finished_tally()).as_text()
    assert "Lost          1" in text
    assert "half within 0.2 s, 95 % within 0.3 s" in text
