"""Legal holds: what they are written like, and which entries they mean."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from bt_security import audit
from bt_security.audit.retention.holds import held_entries, holds, holds_user
from bt_security.conf.audit_holds import Hold, parse_hold
from bt_security.models import AuditEntry

MALFORMED = [
    "",
    ":",
    "5",
    "actor:",
    ":5",
    "actor: 5",
    "actor:5 ",
    "user:5",
    "Bills.Bill:5",
    "a.b.c:5",
]


@pytest.mark.once
@pytest.mark.parametrize("text", MALFORMED)
def test_a_malformed_hold_is_refused(settings, text):
    with pytest.raises(ValueError, match="no legal hold"):
        parse_hold(text)
    settings.BT_SECURITY_AUDIT_LEGAL_HOLDS = ["actor:5", text]
    with pytest.raises(ImproperlyConfigured, match="LEGAL_HOLDS: no legal hold"):
        holds()


@pytest.mark.once
@pytest.mark.parametrize(
    ("text", "hold"),
    [
        ("tenant:acme", Hold("tenant", "acme")),
        ("actor:5", Hold("actor", "5")),
        ("bills.bill:2026:7", Hold("target", "2026:7", "bills.bill")),
    ],
)
def test_a_hold_is_read(text, hold):
    assert parse_hold(text) == hold


@pytest.mark.once
def test_nothing_is_held_by_default():
    assert held_entries() is None


def test_holds_mean_tenant_actor_and_target(log, settings, user):
    settings.BT_SECURITY_AUDIT_TENANT = "tests.audit.test_holds.tenant_of"
    audit.record("audit.read", target=f"bills.bill:{'7' * 100}")
    audit.record("audit.read", target="bills.bill:8", actor=user)
    audit.record("audit.read", target="other.bill:8")
    found = {}
    for text in ("tenant:acme", f"actor:{user.pk}", f"bills.bill:{'7' * 100}", "bills.bill:8"):
        settings.BT_SECURITY_AUDIT_LEGAL_HOLDS = [text]
        entries = AuditEntry.objects.filter(held_entries(), action="audit.read")
        found[text.partition(":")[0]] = found.get(text.partition(":")[0], 0) + entries.count()
    assert found == {"tenant": 3, "actor": 1, "bills.bill": 2}


def test_several_holds_add_up(log, settings):
    for number in (7, 8, 9):
        audit.record("audit.read", target=f"bills.bill:{number}")
    settings.BT_SECURITY_AUDIT_LEGAL_HOLDS = ["bills.bill:7", "bills.bill:9"]
    held = AuditEntry.objects.filter(held_entries()).order_by("id")
    assert list(held.values_list("target_id", flat=True)) == ["7", "9"]


@pytest.mark.once
@pytest.mark.parametrize(
    ("hold", "is_held"),
    [("actor:5", True), ("testapp.account:5", True), ("tenant:5", False), ("actor:55", False)],
)
def test_a_user_is_held_as_actor_and_as_target(settings, hold, is_held):
    settings.BT_SECURITY_AUDIT_LEGAL_HOLDS = [hold]
    assert holds_user("5") is is_held


def tenant_of(request):
    return "acme"
