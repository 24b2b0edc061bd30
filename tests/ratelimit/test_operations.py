"""The figures of the table, on a view of each operation."""

from __future__ import annotations

import pytest

from bt_security.conf.ratelimit import OPERATIONS, parse_rules
from tests.testapp.models import Account

pytestmark = [
    pytest.mark.once,
    pytest.mark.usefixtures("limits_on", "clock"),
    pytest.mark.urls("tests.ratelimit.urls"),
]

MINUTE = 60


@pytest.fixture
def post(client):
    """Return the answer to a POST to the view of an operation."""

    def answer(operation, address="192.0.2.1", **data):
        return client.post(f"/operation/{operation}", data, REMOTE_ADDR=address)

    return answer


@pytest.fixture
def logged_in(client, db):
    def log_in(name):
        client.force_login(Account.objects.create(email=f"{name}@example.com"))

    return log_in


def holds(post, clock, operation, *, limit, minutes):
    """Whether exactly `limit` pass in `minutes`, and one more afterwards."""
    assert [post(operation).status_code for _ in range(limit)] == [200] * limit
    refused = post(operation)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= minutes * MINUTE
    clock.advance(minutes * MINUTE + 1)
    return post(operation).status_code == 200


@pytest.mark.feature("BT-44", "TK-36")
def test_ten_log_ins_in_a_quarter_of_an_hour(post, clock):
    """The 11th log-in of an address within 15 minutes is 429 with `Retry-After`, others go on."""
    assert holds(post, clock, "login", limit=10, minutes=15)
    for _ in range(10):
        post("login", email="bob@example.com")
    assert post("login", email="bob@example.com").status_code == 429
    assert post("login", "192.0.2.2", email="bob@example.com").status_code == 200


@pytest.mark.feature("TK-36")
@pytest.mark.parametrize("operation", ["register", "invite"])
def test_ten_registrations_in_a_quarter_of_an_hour(post, clock, operation):
    """Registering and accepting an invitation have 10 tries per 15 minutes and address each."""
    assert holds(post, clock, operation, limit=10, minutes=15)


@pytest.mark.feature("BT-45", "BT-53")
def test_five_password_changes_in_a_quarter_of_an_hour(post, clock, logged_in):
    """The sixth password change within 15 minutes is refused, by user and by address."""
    logged_in("one")
    assert holds(post, clock, "password_change", limit=5, minutes=15)
    for _ in range(5):
        post("password_change", "192.0.2.1")
    assert post("password_change", "192.0.2.9").status_code == 429
    logged_in("other")
    assert post("password_change", "192.0.2.1").status_code == 429
    assert post("password_change", "192.0.2.9").status_code == 200


@pytest.mark.feature("TK-38")
def test_log_ins_use_nothing_of_the_password_changes(post):
    """Ten log-ins leave the password changes whole: each operation has its own counter."""
    assert [post("login").status_code for _ in range(11)][-1] == 429
    assert [post("password_change").status_code for _ in range(6)] == [200] * 5 + [429]


@pytest.mark.feature("BT-46")
@pytest.mark.parametrize("operation", ["bank_sync", "backfill"])
def test_ten_bank_runs_for_each_user(post, logged_in, operation):
    """Bank sync and backfill have 10 runs per 15 minutes for each user, also behind one address."""
    logged_in("one")
    assert [post(operation).status_code for _ in range(11)] == [200] * 10 + [429]
    assert post(operation, "192.0.2.2").status_code == 429
    logged_in("other")
    assert post(operation).status_code == 200


@pytest.mark.feature("BT-47")
def test_twenty_imports_in_a_quarter_of_an_hour(post, clock):
    """The 21st import within 15 minutes from one address is refused."""
    assert holds(post, clock, "import", limit=20, minutes=15)


@pytest.mark.feature("BT-48")
def test_thirty_exports_in_a_quarter_of_an_hour(post, clock):
    """The 31st export within 15 minutes from one address is refused."""
    assert holds(post, clock, "export", limit=30, minutes=15)


@pytest.mark.feature("BT-49")
def test_thirty_admin_actions_in_a_quarter_of_an_hour(post, clock):
    """The 31st action of an administrator within 15 minutes from one address is refused."""
    assert holds(post, clock, "admin_action", limit=30, minutes=15)


@pytest.mark.feature("BT-49")
def test_the_admins_pages_are_limited_by_one_method(client, db):
    """With `admin_view` decorated, the 31st POST to the admin is refused, reading goes on."""
    client.force_login(Account.objects.create_superuser("root@example.com"))
    posts = [client.post("/limited/testapp/account/", {}).status_code for _ in range(31)]
    assert posts[-2:] == [200, 429]
    assert client.get("/limited/testapp/account/").status_code == 200


def test_the_admins_log_in_is_limited_by_a_decorator(client, db):
    data = {"username": "nobody@example.com", "password": "wrong"}
    answers = [client.post("/limited-login/login/", data).status_code for _ in range(11)]
    assert answers[-2:] == [200, 429]
    assert client.get("/limited-login/login/").status_code == 200


@pytest.mark.feature("BT-50")
def test_twenty_provider_log_ins_in_a_quarter_of_an_hour(post, clock):
    """The 21st log-in through a provider within 15 minutes from one address is refused."""
    assert holds(post, clock, "oidc", limit=20, minutes=15)


@pytest.mark.feature("BT-51")
def test_five_backups_in_an_hour(post, clock):
    """The sixth backup operation within 60 minutes from one address is refused."""
    assert holds(post, clock, "backup", limit=5, minutes=60)


@pytest.mark.feature("BT-52")
def test_three_clearings_in_a_quarter_of_an_hour(post, clock):
    """The fourth clearing of demonstration data within 15 minutes is refused."""
    assert holds(post, clock, "demo_clear", limit=3, minutes=15)


@pytest.mark.feature("TC-16")
def test_twenty_requests_a_minute_to_endpoints_of_credentials(post, clock):
    """The 21st request in 60 seconds from one address to a log-in endpoint is refused."""
    assert holds(post, clock, "auth", limit=20, minutes=1)


@pytest.mark.feature("TK-37")
def test_five_second_factors_in_a_quarter_of_an_hour(post, clock):
    """The sixth try of a second factor within 15 minutes is refused."""
    assert holds(post, clock, "mfa_verify", limit=5, minutes=15)


@pytest.mark.feature("TK-39")
def test_five_new_tokens_in_a_quarter_of_an_hour(post, clock, logged_in):
    """The sixth API token within 15 minutes is refused."""
    logged_in("one")
    assert holds(post, clock, "api_token_create", limit=5, minutes=15)


@pytest.mark.feature("TK-40")
def test_five_password_resets_in_a_quarter_of_an_hour(post, clock):
    """The sixth password reset within 15 minutes from one address is refused."""
    assert holds(post, clock, "password_reset", limit=5, minutes=15)


@pytest.mark.feature("TK-40")
def test_the_fourth_mail_to_one_account_is_not_sent_and_nobody_is_told(client, addresses):
    """The fourth reset mail to one account in 15 minutes is not sent, and the reply is the same."""
    from_each = [
        client.post("/forgotten", {"email": "bob@example.com"}, REMOTE_ADDR=next(addresses))
        for _ in range(4)
    ]
    assert len({(answer.status_code, answer.content) for answer in from_each}) == 1
    assert from_each[0].resolver_match.func.sent == 3
    from_each[0].resolver_match.func.sent = 0


@pytest.mark.feature("TK-40")
def test_the_fourth_mail_from_one_client_is_refused(client):
    """The fourth request for reset mails within 15 minutes from one client is answered by 429."""
    answers = [client.post("/forgotten", {"email": f"{n}@example.com"}) for n in range(4)]
    assert [answer.status_code for answer in answers] == [200] * 3 + [429]
    answers[0].resolver_match.func.sent = 0


@pytest.mark.feature("BD-28")
def test_opening_the_log_in_page_is_not_counted(client):
    """Only what changes something is counted: the log-in page opens any number of times."""
    assert {client.get("/operation/login").status_code for _ in range(15)} == {200}
    assert client.post("/operation/login").status_code == 200


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_of_the_table_ends(post, operation):
    most = max(rule.limit for rule in parse_rules(OPERATIONS[operation].rules))
    assert [post(operation).status_code for _ in range(most + 1)][-1] == 429
