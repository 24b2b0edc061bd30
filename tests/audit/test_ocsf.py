"""Entries as OCSF events: every one is valid by what its class requires."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from bt_security.audit import register
from bt_security.audit.actions import all_actions
from bt_security.audit.reading.export import Exported
from bt_security.audit.reading.ocsf import event, ocsf_lines
from bt_security.audit.reading.opened import Personal
from bt_security.models import ActorKind, Outcome
from tests.audit._reading_rows import row

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("audit_on")]

SCHEMA = json.loads((Path(__file__).parents[1] / "vectors" / "ocsf.json").read_text())
KINDS = {"str": str, "int": int, "dict": dict}
SAID = Personal({"address": "203.0.113.7", "agent": "Firefox", "label": "ann", "note": "x"})


def faults(value, shape, place="event"):
    """Yield what is wrong with an object: missing, unknown or of another type."""
    for name in set(shape.get("required", ())) - value.keys():
        yield f"{place}.{name} is missing"
    if shape.get("at_least_one") and not value.keys() & set(shape["at_least_one"]):
        yield f"{place} has none of {shape['at_least_one']}"
    for name, part in value.items():
        yield from faults_of_part(part, shape["attributes"].get(name), f"{place}.{name}")


def faults_of_part(part, kind, place):
    if kind is None:
        yield f"{place} is unknown"
    elif kind.startswith("["):
        for item in part:
            yield from faults_of_part(item, kind[1:-1], place)
    elif kind in KINDS:
        if type(part) is not KINDS[kind] or part == "":
            yield f"{place} is {part!r}"
    else:
        yield from faults(part, SCHEMA["objects"][kind], place)


def faults_of_event(found):
    own = SCHEMA["classes"][str(found["class_uid"])]
    shape = {
        "required": SCHEMA["event"]["required"] + own["required"],
        "at_least_one": own.get("at_least_one"),
        "attributes": SCHEMA["event"]["attributes"] | own["attributes"],
    }
    yield from faults(found, shape)
    if found["activity_id"] not in own["activities"]:
        yield f"activity {found['activity_id']}"
    if found["type_uid"] != found["class_uid"] * 100 + found["activity_id"]:
        yield "type_uid"
    if found["category_uid"] != found["class_uid"] // 1000:
        yield "category_uid"


def exported(*, personal=None, **columns):
    return Exported(7, row(7, **columns), 3, personal)


def events_of(action):
    """Yield the events of every kind of actor, with and without all that may be missing."""
    sparse = {
        "actor_id": "",
        "target_kind": "",
        "target_id": "",
    }
    full = {
        "actor_id": "9",
        "reason": "expired",
        "via": "user:1",
        "target_kind": "app.thing",
        "target_id": "4",
        "tenant": "t",
        "request_id": "r",
        "session_ref": "s",
        "address_tag": b"12345678",
        "body": '{"n":1}',
    }
    for kind, columns, personal in itertools.product(
        [*ActorKind.values, 99], (sparse, full), (None, SAID, Personal({}, "erased"))
    ):
        yield event(exported(action=action, actor_kind=kind, personal=personal, **columns))


def test_every_action_makes_valid_events_for_every_actor():
    found = {
        (action.name, fault)
        for action in all_actions()
        for made in events_of(action.name)
        for fault in faults_of_event(made)
    }
    assert found == set()


def test_a_fault_is_found():
    made = event(exported())
    del made["user"]
    made["time"] = "now"
    made["more"] = 1
    assert sorted(faults_of_event(made)) == [
        "event.more is unknown",
        "event.time is 'now'",
        "event.user is missing",
    ]


def test_an_action_that_nobody_registered_is_api_activity():
    made = event(exported(action="gone.app"))
    assert (made["class_uid"], made["activity_id"]) == (6003, 99)
    assert made["activity_name"] == "gone.app"
    assert list(faults_of_event(made)) == []


def test_an_action_of_a_class_that_is_not_filled_is_api_activity():
    register("door.opened", help="A door.", ocsf_class=3006, ocsf_activity=1)
    assert event(exported(action="door.opened"))["class_uid"] == 6003


def test_an_activity_that_the_class_has_not_is_other():
    register("door.closed", help="A door.", ocsf_class=3002, ocsf_activity=77)
    assert event(exported(action="door.closed"))["type_uid"] == 300299


def test_a_failure_has_the_status_of_one_and_its_reason():
    made = event(exported(action="user.login_failed", outcome=Outcome.FAILURE, reason="inactive"))
    assert (made["status_id"], made["status_detail"]) == (2, "inactive")


def test_time_is_in_milliseconds():
    assert event(exported())["time"] == 1772366820000


def test_a_login_names_the_user_by_id_and_by_name_only_where_that_was_opened():
    assert event(exported())["user"] == {"type_id": 1, "uid": "5"}
    opened = event(exported(personal=SAID))
    assert opened["user"] == {"type_id": 1, "uid": "5", "name": "ann"}
    assert opened["src_endpoint"] == {"ip": "203.0.113.7"}
    assert opened["unmapped"]["personal"] == {"note": "x"}


def test_who_is_acted_upon_is_the_user_where_it_is_another():
    made = event(exported(action="user.credentials_changed", actor_id="1", target_id="5"))
    assert (made["actor"]["user"]["uid"], made["user"]["uid"]) == ("1", "5")


def test_a_number_that_is_no_severity_is_unknown():
    assert event(exported(severity=77))["severity_id"] == 0


def test_a_line_is_one_event():
    (line,) = ocsf_lines([exported()])
    assert json.loads(line)["metadata"]["sequence"] == 7
    assert line.count("\n") == 1
