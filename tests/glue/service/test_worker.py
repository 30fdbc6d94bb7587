"""One worker on the real broker and registry: nothing is lost, doubled or disordered, and the bad stops nobody."""

from __future__ import annotations

import json
import random
import urllib.error
import urllib.request

import pytest
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource

from glue.deadletters.read import read_letters
from glue.deadletters.replay import replay
from glue.errors import ConfigError, ServiceError
from glue.kafka.config import KafkaConfig
from glue.privacy.keyring import Keyring, load_keyring
from glue.service.health import Health, serve
from tests.playground import Playground, a_post
from tests.waiting import wait_for

pytestmark = pytest.mark.stack


def test_every_record_is_in_exactly_one_place_and_in_order(play: Playground) -> None:
    good, bad = [], []
    for number in range(600):
        if number % 20 == 3:
            bad.append(play.send(number, content="hi"))
        elif number % 20 == 7:
            bad.append(play.send(number, value=b"\x00\x00\x00\x00\x01junk"))
        elif number % 20 == 11:
            bad.append(play.send(number, value=b"not avro at all"))
        else:
            good.append(play.send(number))
    again = [play.send(number, content=f"version two of {number}") for number in range(100) if number % 20 == 0]
    play.flush()
    with play.working() as worker:
        output, dead = play.until(len(play.sent))
        assert worker.health.ready()
    assert sorted(output) == sorted(good + again)
    assert sorted(dead) == sorted(bad)
    seen = worker.metrics.registry.get_sample_value
    labels = {"chain": play.name}
    assert seen("millionx_glue_valid_total", labels) == len(good + again)
    assert seen("millionx_glue_invalid_total", labels) == len(bad)
    assert seen("millionx_glue_end_to_end_seconds_count", labels) == len(good + again)
    contents: dict[str, list[str]] = {}
    for message in play.read(play.output):
        contents.setdefault(message.key().decode(), []).append(play.value(message)["content"])
    for number in range(0, 100, 20):
        assert contents[play.key(number)] == [f"post number {number} about shoes", f"version two of {number}"]


def test_a_second_start_goes_on_where_the_first_stopped(play: Playground) -> None:
    for first in (0, 100):
        for number in range(first, first + 100):
            play.send(number)
        play.flush()
        with play.working():
            play.until(first + 100)
    assert sorted(play.keys(play.output)) == sorted(play.sent)


def test_personal_data_is_in_no_topic_but_the_source(play: Playground) -> None:
    phone, mail, name = "01712345678", "karim@example.com", "rahim_the_author"
    play.send(1, content=f"call {phone} or {mail}", author_username=name)
    play.send(2, content=f"call {phone} or {mail}", author_username=name, likes=-1)
    play.send(3, value=f"{phone} {mail} {name}".encode())
    play.producer.produce(play.source, play.encode({**a_post(4), "content": "x"}), phone, headers={"who": name})
    play.flush()
    with play.working():
        wait = play.until(4)
        assert len(wait[0]) + len(wait[1]) == 4
    for topic in (play.output, play.dead):
        for message in play.read(topic):
            parts = [message.key(), message.value(), *(value for _, value in message.headers() or [])]
            everything = b" ".join(part or b"" for part in parts)
            for secret in (phone, mail, name):
                assert secret.encode() not in everything, topic


def _ring(play: Playground) -> Keyring:
    return load_keyring(play.settings.hash_keys_file)


def test_headers_of_the_input_are_left_behind_but_for_those_named(play: Playground) -> None:
    headers = {"traceparent": "00-1", "x-user": "karim", "millionx.source": "tiktok"}
    play.producer.produce(play.source, play.encode(a_post(1)), play.key(1), headers=headers)
    play.flush()
    with play.working():
        play.until(1)
    (message,) = play.read(play.output)
    assert sorted(name for name, _ in message.headers()) == ["millionx.source", "traceparent"]


def test_a_value_that_no_topic_takes_is_set_aside_with_its_place(play: Playground) -> None:
    entry = ConfigEntry("max.message.bytes", "3000000", incremental_operation=AlterConfigOpType.SET)
    source = ConfigResource(ConfigResource.Type.TOPIC, play.source, incremental_configs=[entry])
    admin = KafkaConfig.of(play.settings).admin()
    admin.incremental_alter_configs([source])[source].result(30)
    big = KafkaConfig.of(play.settings).producer({"message.max.bytes": 3_000_000})
    digits = str.maketrans("0123456789", "ghkmnpqrst")  # or the words would be scrubbed
    noise = random.Random(1).randbytes(1_300_000).hex().translate(digits)  # half its length is left when compressed
    # Many short words: a text of that length would be shortened by Scrub.
    same = ["words of a post which say nothing"] * 45_000
    words = {1: same, 2: [noise[at : at + 200] for at in range(0, len(noise), 200)]}
    for number, some in words.items():
        big.produce(play.source, play.encode(a_post(number, hashtags=some)), play.key(number))
        assert big.flush(30) == 0
    play.send(3)
    play.flush()
    with play.working(transforms="validate,scrub,hash,shape"):
        output, dead = play.until(3)
    assert output == [play.key(3)]
    assert sorted(dead) == sorted([play.key(1), play.key(2)])
    for letter in read_letters(KafkaConfig.of(play.settings), [play.dead]):
        assert "too large" in letter.header("exception.message")
        assert letter.header("stage") == "TASK_PUT"
    result = replay(
        read_letters(KafkaConfig.of(play.settings), [play.dead]),
        KafkaConfig.of(play.settings),
        _ring(play),
        dry_run=True,
    )
    assert (len(result.replayed), len(result.kept)) == (1, 1)  # one could be kept whole, of the other only its place


def test_errors_tolerance_none_stops_before_the_bad_record(play: Playground) -> None:
    play.send(1, content="hi")
    play.flush()
    with pytest.raises(ServiceError, match="minLength"), play.working(errors__tolerance="none") as worker:
        assert wait_for(lambda: worker.ended.is_set())
    assert play.keys(play.output) == []
    assert play.keys(play.dead) == []


def test_a_wrong_chain_does_not_start(play: Playground) -> None:
    with pytest.raises(ConfigError), play.working(transforms__scrub__typo="1"):
        pass


def test_dead_letters_name_their_cause(play: Playground) -> None:
    play.send(1, content="hi")
    play.flush()
    with play.working():
        play.until(1)
    (letter,) = read_letters(KafkaConfig.of(play.settings), [play.dead])
    shown = letter.summary()
    assert shown["by"] == play.name
    assert shown["message"] == "Validate: content: minLength 5"
    assert shown["origin"].startswith(f"{play.source}/")


def test_old_and_new_versions_of_a_schema_in_flight_together(play: Playground) -> None:
    old = dict(play.encode.schema)
    old["fields"] = [field for field in old["fields"] if field["name"] not in ("product_ids", "shares")]
    subject = f"{play.source}-value"
    newer = dict(play.encode.schema)
    newer["fields"] = [*newer["fields"], {"name": "bio", "type": ["null", "string"], "default": None}]
    play.registry.set_compatibility(subject, "NONE")
    encoders = [play.encode, play.register(play.source, old), play.register(play.source, newer)]
    latest = play.register(play.source, play.encode.schema)
    for number in range(90):
        value = a_post(number) | ({"bio": "call 01712345678"} if number % 3 == 2 else {})
        names = {field["name"] for field in encoders[number % 3].schema["fields"]}
        data = encoders[number % 3]({name: v for name, v in value.items() if name in names})
        play.send(number, value=data)
    play.flush()
    with play.working():
        output, dead = play.until(90)
    assert (len(output), dead) == (90, [])
    assert latest.schema_id == play.encode.schema_id
    for message in play.read(play.output):
        assert b"01712345678" not in message.value()


def test_health_answers_for_people_and_probes() -> None:
    health = Health()
    from prometheus_client import CollectorRegistry

    server = serve(0, lambda: (health.alive(), health.ready(), health.report()), CollectorRegistry())
    address = f"http://127.0.0.1:{server.server_address[1]}"

    def ask(path: str) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(address + path) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    try:
        assert ask("/health")[0] == 200
        assert ask("/ready")[0] == 503
        health.assigned = True
        assert ask("/ready")[0] == 200
        health.held = "Redis"
        status, body = ask("/ready")
        assert status == 503
        assert json.loads(body)["held"] == "Redis"
        health.held, health.beat_at = "", -1000.0
        assert ask("/health")[0] == 503
        assert ask("/metrics")[0] == 200
        assert ask("/nothing")[0] == 404
    finally:
        server.shutdown()
