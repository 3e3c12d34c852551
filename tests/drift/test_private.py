"""Names that look private are kept as keyed hashes, and counted as if they were not."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agent.cli import main
from agent.drift.imports.bins import categorical
from agent.drift.learning.learn import BINS, ColumnBuilder, shape_of
from agent.drift.monitor import Monitor
from agent.drift.reference.private import HASH, Hasher, hidden, looks_private, new_key
from agent.drift.reference.profile import Profile, ProfileError, load, make, merge, parse, shown
from agent.drift.reference.sketch import CategoryBins, category
from agent.drift.settings import Settings
from agent.drift.state.orders import parse as parse_order
from tests.drift.test_monitor import Clock, scraped, send

PRIVATE = [
    "ann.lee@example.com", "Ann Lee <ann@example.org>", " ann@example.com ", "ü@exämple.de",
    "123e4567-e89b-12d3-a456-426614174000", "{123E4567-E89B-12D3-A456-426614174000}",
    "123e4567e89b12d3a456426614174000", "d41d8cd98f00b204", "00:1A:2B:3C:4D:5E", "#1a2b3c4d5e6f",
    "20230004", "4111 1111 1111 1111", "4111-1111-1111-1111", "+49 170 1234567", "(555) 123-4567",
    "555.123.4567", "0170/1234567", "123-45-6789", "user-48213", "SKU12345", "1HGCM82633A004352",
    "DE89370400440532013000", "8f3a9c2e", "aB3xK9qZ2m", "V1StGXR8_Z5jdHi6B-myT",
    "10.0.0.1", "2001:db8::1", "see ann@example.com now", "password=hunter2", "Bearer b3arer0f",
    "01ARZ3NDEKTSV4RRFFQ69G5FAV", "i-0123456789abcdef0", "x" * 65,
]  # fmt: skip
READABLE = [
    "", "a", "north", "other", "New York", "United-States", "iris-setosa", "r&b", "a@b", "日本",
    "#red", "#ff8800", "#1", "94110", "123456", "3.14", "0.123456789", "1e5", "1,000,000", "24/7",
    "2026-01", "2026-01-02", "2026-01-02T03:04:05Z", "1990-1999", "10000-20000", ">50K", "<=50000",
    "$10,000-$20,000", "2026Q1", "c199", "segment10", "iphone14", "x86_64", "v1.2.3", "m5.2xlarge",
    "gpt-4o-2024-08-06", "llama-3.1-70b-instruct-q4", "defaced", "\ud800", "x" * 64,
    "customer service and support 24 hours a day",
]  # fmt: skip
MAILS = [f"reader-{i}@mail{i}.example" for i in range(30)]


@pytest.mark.parametrize("name", PRIVATE)
def test_ids_addresses_and_long_names_look_private(name):
    assert looks_private(name)


@pytest.mark.parametrize("name", READABLE)
def test_names_of_kinds_of_things_do_not(name):
    assert not looks_private(name)


@given(st.text(st.sampled_from("a1-@. #:(){}+/T~"), max_size=64))
def test_any_name_looks_one_way_or_the_other(name):
    looks_private(name)
    assert looks_private(Hasher(new_key())(name)), "no name in clear may look like a hash"


def test_one_private_name_hides_all_of_the_column_and_nothing_else():
    names = ["north", "south", "unknown"] * 30
    assert not shape_of("c", "input", names).key
    shape = shape_of("c", "input", [*names, "ann@example.com"])
    assert all(HASH.fullmatch(name) for name in shape.categories or [])
    assert shape_of("c", "input", MAILS).kind == "text"  # nearly all different: no names are kept
    assert shape_of("c", "input", [True, False]).categories == ["false", "true"]
    assert len({shape_of("c", "input", MAILS * 9).key for _ in range(3)}) == 3


def test_a_column_that_is_to_be_hidden_is_learned_as_hashes_whatever_it_looks_like():
    rows = {"plan": ["gold", "silver"] * 60, "ssn": ["a", "b"] * 60}
    settings = Settings(learn_rows=100, window_rows=50, hides=lambda name: name == "ssn")
    monitor = Monitor(settings, clock=Clock())
    send(monitor, rows)
    columns = {column.name: column for column in monitor.reference("m", None).columns}
    assert columns["plan"].categories == ["gold", "silver"]
    assert all(HASH.fullmatch(name) for name in columns["ssn"].categories or ["in clear"])


value = st.sampled_from([*MAILS, "north", "#1a2b3c4d5e6f", "", "\ud800", "x" * 1_000_000]) | (
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from([1.0, 2.5]) | st.text()
)


@given(st.lists(value, max_size=60), st.lists(value, max_size=60), st.data())
def test_a_hidden_column_counts_as_one_in_clear(sample, rows, data):
    known = list(Counter(category(v) for v in sample if v is not None))[:BINS]
    key = new_key()
    plain, bins = CategoryBins(known), CategoryBins(hidden(known, key), key=key)
    at = data.draw(st.integers(0, len(rows)))
    wanted = plain.count(rows).tolist()
    assert bins.count(rows).tolist() == wanted
    assert (bins.count(rows[:at]) + bins.count(rows[at:])).tolist() == wanted
    assert bins.places(rows).tolist() == plain.places(rows).tolist()
    assert bins.count_places(bins.places(rows)).tolist() == wanted


def test_a_value_that_reads_like_the_hash_of_a_category_is_not_that_category():
    key = new_key()
    [ann] = hidden(["ann@example.com"], key)
    bins = CategoryBins([ann], key=key)
    rows = ["ann@example.com", ann, "ann@example.com", ann, ann]
    for _ in range(2):
        assert bins.count(rows).tolist() == [2, 3, 0, 0]
        assert bins.places(rows).tolist() == [0, 1, 0, 1, 1]
    assert shape_of("c", "input", [ann] * 9).key, "nor is one in clear to be taken for a hash"


def test_each_name_of_a_batch_is_hashed_once_at_most_and_known_ones_once_for_all(monkeypatch):
    hashed: list[str] = []
    plain = Hasher.__call__
    monkeypatch.setattr(Hasher, "__call__", lambda self, n: hashed.append(n) or plain(self, n))
    names = [f"n{i}" for i in range(20_000)]
    key = new_key()
    bins = CategoryBins(hidden(names[:BINS], key), key=key)
    for read in (bins.count, bins.places):
        for _ in range(2):
            hashed.clear()
            read(names * 2)
            assert max(Counter(hashed).values()) == 1
    assert sorted(hashed) == sorted(names[BINS:])


def profile(names: list[object], shape=None) -> Profile:
    builder = ColumnBuilder(shape or shape_of("mail", "input", names, kind="categorical"))
    builder.add(names)
    return make("m", len(names), [builder.profile()])


@given(st.lists(st.lists(st.sampled_from([*MAILS, None, 1, "x"])), min_size=3, max_size=3))
def test_profiles_of_one_key_merge_in_any_order(parts):
    first = profile(MAILS)
    a, b, c = (profile(rows, first.columns[0]) for rows in parts)
    whole = profile([row for rows in parts for row in rows], first.columns[0])
    merged = [merge([merge([a, b]), c]), merge([c, merge([b, a])]), merge([b, c, a])]
    assert [m.columns for m in merged] == [whole.columns] * 3


def test_profiles_of_two_keys_do_not_merge():
    with pytest.raises(ProfileError, match=r"another key.*--like"):
        merge([profile(MAILS), profile(MAILS)])
    in_clear = profile(["a"])
    with pytest.raises(ProfileError, match="other bins"):
        merge([profile(MAILS), in_clear])


def test_a_file_whose_key_and_hashes_do_not_go_together_is_refused():
    good = profile(MAILS).columns[0]
    for wrong in (
        replace(good, key="no key"),
        replace(good, key=good.key.upper()),
        replace(good, categories=["ann@example.com", *(good.categories or [])[1:]]),
        replace(good, kind="boolean"),
    ):
        with pytest.raises(ProfileError, match="key: has no hashes") as refused:
            parse(shown(make("m", 30, [wrong])), "r.json")
        assert refused.value.field == "columns.mail.key"
    assert parse(shown(make("m", 30, [good])), "r.json").columns == [good]


def planted(count: int, seed: int, least: int = 0) -> list[str]:
    places = np.random.default_rng(seed).zipf(1.5, size=count) % (len(MAILS) - least) + least
    return [MAILS[place] for place in places.tolist()]


def told(text: str) -> list[str]:
    """Planted names in a text."""
    return [name for name in MAILS if name in text or name.partition("@")[0] in text]


def test_no_private_name_is_in_a_file_an_answer_or_a_metric(tmp_path: Path):
    """From learning to an alarm, a renewal and a restart."""
    clock = Clock()
    monitor = Monitor(Settings(learn_rows=1000), state_dir=tmp_path, clock=clock)
    send(monitor, {"mail": planted(1000, 1), "n": [1.0] * 1000})
    assert monitor.models["m", ""].phase == "watching"
    for window in range(8):
        clock.now += 300
        send(monitor, {"mail": planted(1000, 2 + window, least=15 * (window > 3))})
    [model] = json.loads(json.dumps(monitor.status()))["models"]
    column = next(c for c in model["columns"] if c["name"] == "mail")
    assert (column["state"], column["hashed"]) == ("drift", True)
    assert any(HASH.fullmatch(moved["bin"]) for moved in column["moved"])
    said = [json.dumps(model), scraped(monitor), repr(monitor.take_changes())]
    body = json.dumps({"model": "m", "action": "new_normal", "column": "mail"})
    monitor.acknowledge(parse_order(body.encode()))
    monitor.save(monitor.unsaved())
    reference = monitor.models["m", ""].reference
    assert reference is not None
    said += [shown(reference).decode()]
    files = [path.read_bytes().decode("latin-1") for path in tmp_path.iterdir()]
    assert len(files) == 3
    assert told("".join(said + files)) == []

    again = Monitor(Settings(learn_rows=1000), state_dir=tmp_path, clock=clock)
    send(again, {"mail": planted(1000, 1)})
    [model] = json.loads(json.dumps(again.status()))["models"]
    column = next(c for c in model["columns"] if c["name"] == "mail")
    assert column["renewed"]["rows"] == 3000


def test_the_command_line_hides_shares_keys_and_says_what_to_do(tmp_path: Path, capsys):
    rows, out, like = tmp_path / "d.csv", tmp_path / "r.json", tmp_path / "like.json"
    lines = [f"{mail},{i % 3},town{i % 4}" for i, mail in enumerate(planted(300, 5))]
    rows.write_text("\n".join(["mail,zip,town", *lines]) + "\n")
    build = ["profile", "build", str(rows), "-o", str(out)]
    assert main([*build, "--hash", "town"]) == 0
    columns = {column.name: column for column in load(out).columns}
    assert [bool(columns[name].key) for name in ("mail", "town", "zip")] == [True, True, False]
    assert "mail" in out.read_text()
    assert told(out.read_text()) == []
    assert "town1" not in out.read_text()

    assert main([*build[:3], "-o", str(like), "--like", str(out)]) == 0
    assert load(like).columns == load(out).columns
    capsys.readouterr()
    for read in (["show", str(out)], ["diff", str(out), str(like)]):
        assert main(["profile", *read]) == 0
        assert told(capsys.readouterr().out) == []
    assert main(["profile", "merge", str(out), str(like), "-o", str(like)]) == 0
    assert load(like).rows == 600

    assert main([*build[:3], "-o", str(like), "--hash", "town"]) == 0
    assert main(["profile", "merge", str(out), str(like), "-o", str(like)]) == 2
    assert "is hashed with another key" in capsys.readouterr().err
    assert main(["profile", "diff", str(out), str(like)]) == 2
    assert "hashed with another key: build it with --like" in capsys.readouterr().out
    assert main([*build[:3], "-o", str(like)]) == 0
    for both in ([str(like), str(out)], [str(out), str(like)]):
        assert main(["profile", "diff", *both, "--columns", "town,zip", "--json"]) == 0
        columns = json.loads(capsys.readouterr().out.splitlines()[-1])["columns"]
        town = next(column for column in columns if column["name"] == "town")
        assert town["distances"]["psi"] == 0  # in clear in one of them, but found by the key

    assert main([*build, "--hash", "zip"]) == 2
    assert "say --kind zip=categorical too" in capsys.readouterr().err
    assert main([*build, "--hash", "zip", "--kind", "zip=categorical"]) == 0
    assert main([*build, "--hash", "none"]) == 2
    assert "no column none" in capsys.readouterr().err
    assert main([*build, "--like", str(like), "--hash", "town"]) == 2
    assert "--hash" in capsys.readouterr().err


def test_an_imported_profile_is_guarded_too():
    column = categorical("mail", 0, 300, dict.fromkeys(MAILS[:10], 30), distinct=10)
    assert [bool(HASH.fullmatch(name)) for name in column.categories or []] == [True] * 10
    assert column.bins().count(MAILS).tolist() == [*[1] * 10, 20, 0, 0]
