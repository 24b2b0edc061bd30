"""Many-to-many fields of audited models: exactly what was added and removed."""

from __future__ import annotations

import pytest

from tests.testapp.models import Memo, Tag


@pytest.fixture
def tags(db):
    return [Tag.objects.create(name=str(number)) for number in range(3)]


@pytest.fixture
def relations(log):
    return lambda: [entry.body for entry in log(action="model.relation_changed")]


def told(change, *tags):
    keys = sorted(tag.pk for tag in tags)
    return {"relation": "testapp.ledger.tags", change: keys, "count": len(keys)}


def test_added_rows_are_recorded_without_those_that_were_there(ledger, tags, relations):
    ledger.tags.add(tags[0])
    ledger.tags.add(*tags)
    ledger.tags.add(tags[0])
    assert relations() == [told("added", tags[0]), told("added", *tags[1:])]


def test_removed_rows_are_recorded_without_those_that_were_not_there(ledger, tags, relations):
    ledger.tags.add(tags[0])
    ledger.tags.remove(*tags)
    ledger.tags.remove(*tags)
    assert relations()[1:] == [told("removed", tags[0])]


def test_clearing_records_exactly_what_was_there(ledger, make, tags, relations):
    make().tags.add(*tags)
    ledger.tags.add(*tags[:2])
    ledger.tags.clear()
    ledger.tags.clear()
    assert relations()[2:] == [told("removed", *tags[:2])]


def test_setting_records_what_it_removes_and_adds(ledger, tags, relations):
    ledger.tags.set(tags[:2])
    ledger.tags.set(tags[1:])
    assert relations()[1:] == [told("removed", tags[0]), told("added", tags[2])]


def test_the_other_end_of_a_relation_is_recorded(ledger, tags, log):
    tags[0].ledger_set.add(ledger)
    tags[0].ledger_set.remove(ledger)
    added, removed = log(action="model.relation_changed")
    assert (added.target_kind, added.target_id) == ("testapp.tag", str(tags[0].pk))
    assert added.body == {
        "relation": "testapp.ledger.tags",
        "added": [ledger.pk],
        "count": 1,
        "reverse": True,
    }
    assert removed.body["removed"] == [ledger.pk]


def test_a_masked_relation_names_no_row(tags, log):
    memo = Memo.objects.create(title="x")
    memo.readers.set(tags)
    assert log.only(action="model.relation_changed").body == {
        "relation": "testapp.memo.readers",
        "added": "[changed]",
        "count": 3,
    }


def test_relations_are_not_recorded_where_the_feature_is_off(ledger, tags, log, settings):
    settings.BT_SECURITY_FEATURES = []
    ledger.tags.set(tags)
    ledger.tags.clear()
    assert log.actions() == []


def test_an_excluded_relation_is_not_recorded(safe, tags, log):
    safe.viewers.set(tags)
    assert log.actions() == []
