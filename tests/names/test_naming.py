"""When rows wait for their names, for how long, and by what they are then called."""

from __future__ import annotations

import logging
import struct
from typing import Any

import numpy as np
import pytest

from agent.decode.metadata import NOTHING, Told
from agent.decode.payload import Columns, Payload
from agent.decode.shapes.tensors import Tensor
from agent.drift.learning.build import build_profile
from agent.drift.reference.profile import Profile, merge, parse, shown
from agent.drift.rows.batch import Batch
from agent.exchange import Exchange
from agent.observer.faults import Faults
from agent.observer.names.naming import AGAIN, MAX_HELD, MAX_MODELS, Model, Naming
from tests.signals.factory import USUAL

HOLD = 5.0
TOLD = Told("3", ("age", "income"), ("no", "yes"))


def payload(model: str = "m", version: str = "", width: int = 2, **more: Any) -> Payload:
    columns: Columns = {f"instances-{n}": (float(n),) for n in range(width)}
    given = {"inputs": columns, "outputs": {"p": (0.5,)}, **more}
    return Payload(model=model, version=version, id="", rows=1, output_rows=1, left_out=0, **given)


def exchange(target: bytes = b"/v1/models/m:predict") -> Exchange:
    return USUAL._replace(target=target)


class World:
    """A naming with a clock, and references by model and version."""

    def __init__(self, asks: bool = True) -> None:
        self.now = 0.0
        self.references: dict[tuple[str, str], Profile] = {}
        self.late: list[Payload] = []
        faults = Faults(logging.getLogger("outrider-test"))
        self.naming = Naming(self.expected, faults, asks=asks, hold=HOLD, clock=lambda: self.now)
        self.naming.onward = self.late.append

    def expected(self, model: str, version: str) -> Profile | None:
        return self.references.get((model, version))

    def send(self, one: Payload, target: bytes = b"/v1/models/m:predict") -> Payload | None:
        return self.naming.name(one, exchange(target))

    def wanted(self) -> Model:
        return self.naming.wanted.get_nowait()

    def answer(self, told: Told = TOLD) -> None:
        self.naming.answered(self.wanted(), told, b"/v1/models/m", "answered")

    def columns(self) -> list[dict[str, Any]]:
        [model] = self.naming.status(())
        found: list[dict[str, Any]] = model["columns"]
        return found


def reference(*names: str, outputs: tuple[str, ...] = ("p",)) -> Profile:
    numbers = [*range(100)]
    columns = dict.fromkeys((*names, *outputs), numbers)
    return build_profile(lambda: iter([Batch(columns, 100)]), outputs=outputs)


def test_a_payload_that_names_all_passes_as_it_is() -> None:
    world = World()
    one = payload(version="1", inputs={"age": (1,)})
    assert world.send(one) is one
    assert world.naming.wanted.empty()
    assert world.naming.status(()) == []


def test_rows_wait_and_go_on_under_the_names_that_were_told() -> None:
    world = World()
    outputs = {"predictions-0": (0.1,), "predictions-1": (0.9,)}
    assert world.send(payload(outputs=outputs)) is None
    assert world.send(payload(inputs={"own": (1,)})) is None, "of one version with the others"
    assert world.late == []
    world.answer()
    assert [one.version for one in world.late] == ["3", "3"]
    assert [[*one.inputs] for one in world.late] == [["age", "income"], ["own"]]
    assert [*world.late[0].outputs] == ["no", "yes"]
    now = world.send(payload())
    assert now is not None
    assert ([*now.inputs], now.version) == (["age", "income"], "3")
    assert world.naming.wanted.empty(), "it was asked once"


def test_rows_go_on_as_they_are_when_nothing_is_told_for_so_long() -> None:
    world = World()
    world.send(payload())
    model = world.wanted()
    world.naming.failed(model, "no answer")
    world.now = HOLD - 0.1
    world.naming.tick()
    assert world.wanted() is model, "asked again"
    assert world.late == []
    world.now = HOLD
    world.naming.tick()
    assert [[*one.inputs] for one in world.late] == [["instances-0", "instances-1"]]
    assert world.send(payload()) is not None


def test_names_that_come_late_do_not_mix_with_numbers() -> None:
    world = World()
    world.send(payload(version="3"))
    model = world.wanted()
    world.now = HOLD
    world.naming.tick()
    world.naming.answered(model, TOLD, b"/v1/models/m", "answered")
    found = world.send(payload(version="3"))
    assert found is not None
    assert [*found.inputs] == ["instances-0", "instances-1"]
    assert "restart" in world.columns()[0]["evidence"]


def test_names_that_come_late_count_if_the_reference_has_them() -> None:
    world = World()
    world.references["m", "3"] = merge([reference("income", "age"), reference("income", "age")])
    world.references["m", "3"] = without_order(world.references["m", "3"])
    world.send(payload(version="3"))
    model = world.wanted()
    world.now = HOLD
    world.naming.tick()
    assert "order" in world.columns()[0]["evidence"]
    world.naming.answered(model, TOLD, b"/v1/models/m", "answered")
    found = world.send(payload(version="3"))
    assert found is not None
    assert [*found.inputs] == ["age", "income"]


def without_order(profile: Profile) -> Profile:
    import msgspec

    from agent.drift.reference.profile import hashed

    return hashed(msgspec.structs.replace(profile, order=msgspec.UNSET))


def test_what_waits_is_bounded() -> None:
    world = World()
    wide = payload(width=4000)
    passed = None
    for _ in range(MAX_HELD // (64 * 4000) + 2):
        passed = world.send(wide)
        if passed is not None:
            break
    assert passed is not None
    assert world.late, "those before it went on first"
    assert world.send(wide) is not None


@pytest.mark.parametrize("inputs", [{"instances-0": (1.0,)}, {"input.bytes": (9,)}])
def test_heads_of_what_waits_are_bounded_too(inputs: Columns) -> None:
    world = World()
    fields = [(b"x-long", b"x" * 50_000)]
    long = exchange(b"/v2/models/m/infer")._replace(
        request_fields=fields, response_fields=fields, request_size=9, response_body=(b"x", b"", 0)
    )
    small = payload(inputs=inputs, outputs={"p-0": (0.5,)})
    assert world.naming.name(small, long) is None
    held = world.wanted().held
    [(_, kept)] = held
    size = 1000 + sum(len(value) for _, value in (*kept.request_fields, *kept.response_fields))
    most = 1
    while world.naming.name(small, long) is None:
        most += 1
        assert len(held) == most <= MAX_HELD // size
    assert most > 100


def test_models_are_bounded() -> None:
    world = World()
    for n in range(MAX_MODELS + 10):
        world.send(payload(model=f"m{n}"), b"/v1/models/m%d:predict" % n)
    assert world.naming.wanted.qsize() == MAX_MODELS
    assert len(world.naming.status(())) == MAX_MODELS
    one = payload(model="another")
    assert world.send(one) is one


def test_a_fault_at_the_next_step_costs_its_rows_alone() -> None:
    world = World()
    world.send(payload(width=3))
    world.send(payload(width=2))

    def onward(one: Payload) -> None:
        if len(one.inputs) == 3:
            raise RuntimeError
        world.late.append(one)

    world.naming.onward = onward
    world.answer()
    assert [[*one.inputs] for one in world.late] == [["age", "income"]]


def test_nobody_is_asked_where_that_is_off() -> None:
    world = World(asks=False)
    one = payload()
    assert world.send(one) is one
    assert world.naming.wanted.empty()


def test_a_rollout_is_seen_and_a_canary_is_not_guessed() -> None:
    world = World()
    world.send(payload())
    world.answer(Told("1"))
    for told, version in ((Told("2"), "2"), (NOTHING, "")):
        world.now += AGAIN
        world.naming.tick()
        world.answer(told)
        found = world.send(payload())
        assert found is not None
        assert found.version == version


def test_a_server_that_cannot_tell_any_more_is_believed_as_before() -> None:
    world = World()
    world.send(payload())
    world.answer(Told("1"))
    world.now = AGAIN
    world.naming.tick()
    world.naming.refused(world.wanted(), "status 404")
    found = world.send(payload())
    assert found is not None
    assert found.version == "1"


def test_failures_are_asked_again_more_and_more_rarely() -> None:
    world = World()
    world.send(payload())
    asked = []
    for _ in range(100_000):
        world.now += 1
        world.naming.tick()
        while not world.naming.wanted.empty():
            asked.append(world.now)
            world.naming.failed(world.wanted(), "no answer")
        if world.now > 7200:
            break
    gaps = np.diff(asked)
    assert (np.diff(gaps) >= 0).all()
    assert gaps.max() == 600
    assert len(asked) < 25


def test_rows_by_name_and_without_of_one_model_are_told_apart() -> None:
    world = World()
    outputs = {"predictions-0": (0.1,), "predictions-1": (0.9,)}
    world.send(payload())
    world.answer()
    for given, names in (
        ({"x": (1,), "y": (2,)}, ["x", "y"]),
        (payload().inputs, ["age", "income"]),
    ):
        found = world.send(payload(inputs=given, outputs=outputs))
        assert found is not None
        assert [*found.inputs] == names


# ---- by the reference


@pytest.mark.parametrize(
    ("columns", "names", "why"),
    [
        (("age", "income"), ["age", "income"], "the order of columns"),
        (("income", "age"), ["income", "age"], "the order of columns"),
        (("instances-0", "instances-1"), None, "without names too"),
        (("age", "instances-1"), None, "without names too"),
        (("age", "income", "more"), None, "3 columns, there are 2"),
    ],
)
def test_the_order_of_the_reference_names_columns(columns, names, why) -> None:
    world = World(asks=False)
    world.references["m", ""] = parse(shown(reference(*columns)), "a file")
    found = world.send(payload())
    assert found is not None
    assert [*found.inputs] == (names or ["instances-0", "instances-1"])
    [told] = [one for one in world.columns() if one["side"] == "input"]
    assert why in told["evidence"]
    assert told["from"] == ("reference" if names else "nobody")


def test_the_reference_goes_before_the_server() -> None:
    world = World()
    world.references["m", "3"] = reference("a", "b")
    world.send(payload())
    world.answer()
    assert [*world.late[0].inputs] == ["a", "b"]


def test_what_the_server_told_stays_when_it_was_learned() -> None:
    world = World()
    world.send(payload())
    world.answer()
    world.references["m", "3"] = without_order(reference("age"))  # one of the two was not kept
    found = world.send(payload())
    assert found is not None
    assert [*found.inputs] == ["age", "income"]


def test_the_order_of_a_build_is_that_of_the_file_or_of_what_was_chosen() -> None:
    columns = {"z": [1.0, 2.0], "p": [0.0, 1.0], "a": [3.0, 4.0]}
    made = build_profile(lambda: iter([Batch(columns, 2)]), outputs=["p"])
    assert made.order
    assert (made.order.input, made.order.output) == (["z", "a"], ["p"])
    chosen = build_profile(lambda: iter([Batch(columns, 2)]), inputs=["a", "z"])
    assert chosen.order
    assert chosen.order.input == ["a", "z"]
    assert merge([made, made]).order == made.order
    assert not merge([chosen, without_order(chosen)]).order


# ---- raw tensors


def raw(data: bytes) -> Exchange:
    return USUAL._replace(request_body=(data, b"", 0), target=b"/v2/models/m/infer")


def test_a_raw_tensor_is_read_by_what_the_server_told_of_it() -> None:
    world = World()
    tensor = Tensor("x", "FP32", (-1, 2))
    for data in (struct.pack("<4f", 1, 2, 3, 4), b"12345"):
        world.naming.name(payload(inputs={"input.bytes": (len(data),)}), raw(data))
    world.answer(Told(raw=tensor))
    assert [one.rows for one in world.late] == [2, 1]
    assert {n: [*v] for n, v in world.late[0].inputs.items()} == {"x-0": [1, 3], "x-1": [2, 4]}
    assert world.late[1].inputs == {"input.bytes": (5,)}, "it is not what the server said"


@pytest.mark.parametrize("shape", [(-1, -1), (0, 2), (-1, 0), ()])
@pytest.mark.parametrize("datatype", ["FP32", "BYTES", "nonsense"])
def test_a_raw_tensor_that_is_not_known_stays_bytes(shape, datatype) -> None:
    world = World()
    world.naming.name(payload(inputs={"input.bytes": (6,)}), raw(b"123456"))
    world.answer(Told(raw=Tensor("x", datatype, shape)))
    assert world.late[0].inputs == {"input.bytes": (6,)}


def test_a_model_that_nobody_names_stands_in_the_status_once_by_its_route():
    world = World()
    assert [one["model"] for one in world.naming.status(("",))] == [""]
    world.send(payload(model="", inputs={"age": (1,)}), b"/predict")
    assert [one["model"] for one in world.naming.status(("", "m"))] == [USUAL.route, "m"]
