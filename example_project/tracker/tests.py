"""The site as its administrator uses it: `manage.py test`."""

from __future__ import annotations

import secrets
from datetime import date

from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client, TestCase

from tracker.calendar_text import calendar_text
from tracker.models import BankConnection, Bill, Payee, SiteSettings

ADMIN = "admin@example.org"
PAGES = ["people/user", "tracker/bankconnection", "tracker/bill", "tracker/payee"]


class SiteTest(TestCase):
    @classmethod
    def setUpTestData(cls):
        call_command("load_example", limit=40, verbosity=0)
        cls.password = f"{secrets.token_urlsafe()}-aA1"
        cls.admin = get_user_model().objects.create_superuser(ADMIN, cls.password)

    def setUp(self):
        self.client = Client()
        self.client.force_login(self.admin)

    def get(self, path):
        answer = self.client.get(f"/admin/{path}")
        assert answer.status_code == 200, path
        return answer

    def found(self, path, wanted):
        answer = self.client.get(f"/admin/{path}/", {"q": wanted})
        return list(answer.context["cl"].result_list)


class AdminTest(SiteTest):
    def test_people_log_in_with_their_address_in_any_case(self):
        visitor = Client()
        form = {"username": ADMIN.upper(), "password": self.password, "next": "/admin/"}
        self.assertRedirects(visitor.post("/admin/login/", form), "/admin/")
        form["password"] = "wrong"
        assert Client().post("/admin/login/", form).status_code == 200

    def test_every_page_opens(self):
        self.get("")
        self.get("bt_security/encryptionkeys/")
        for page in PAGES:
            (first, *_) = self.get(f"{page}/").context["cl"].result_list
            self.get(f"{page}/add/")
            self.get(f"{page}/{first.pk}/change/")
            self.get(f"{page}/{first.pk}/history/")
            self.get(f"{page}/{first.pk}/delete/")
        self.get("tracker/sitesettings/1/change/")
        assert self.client.get("/admin/tracker/sitesettings/add/").status_code == 403

    def test_payees_are_found_by_their_whole_name_in_any_case(self):
        payee = Payee.objects.all()[7]
        assert self.found("tracker/payee", f'"{payee.name.upper()}"') == [payee]
        assert self.found("tracker/payee", payee.name[:4]) == []

    def test_bills_are_found_by_payee_and_customer_number(self):
        bill = Bill.objects.all()[3]
        number = bill.customer_number
        dashed = f"{number[:3]}-{number[3:]}"
        assert self.found("tracker/bill", f'"{bill.payee.name.lower()}"') == [bill]
        assert self.found("tracker/bill", dashed) == [bill]

    def test_people_and_connections_are_found_by_address(self):
        assert self.found("people/user", "ADMIN@example.org") == [self.admin]
        assert len(self.found("tracker/bankconnection", "owner@example.org")) == 3

    def test_a_name_is_taken_whatever_the_case_of_its_letters(self):
        form = {"name": Payee.objects.all()[0].name.upper(), "country": "AD"}
        answer = self.client.post("/admin/tracker/payee/add/", form)
        assert "already exists" in str(answer.context["adminform"].form.errors)

    def test_an_account_can_be_made(self):
        password = f"{secrets.token_urlsafe()}-aA1"
        form = {"email": "new@example.org", "usable_password": "true"}
        form |= {"password1": password, "password2": password}
        self.client.post("/admin/people/user/add/", form)
        user = get_user_model().objects.get(email="NEW@example.org")
        assert user.check_password(password)

    def test_credentials_are_never_shown_and_kept_when_left_empty(self):
        bank = BankConnection.objects.first()
        url = f"/admin/tracker/bankconnection/{bank.pk}/change/"
        self.assertNotContains(self.client.get(url), bank.access_url)
        self.client.post(url, {"name": "renamed", "owner": self.admin.pk, "access_url": ""})
        moved = BankConnection.objects.get(pk=bank.pk)
        assert (moved.name, moved.owner, moved.access_url) == (
            "renamed",
            self.admin,
            bank.access_url,
        )

    def test_settings_keep_the_secret_that_is_not_entered(self):
        before = SiteSettings.objects.get()
        form = {"smtp_port": 25, "smtp_password": "", "oidc_client_secret": "another"}
        self.client.post("/admin/tracker/sitesettings/1/change/", form)
        after = SiteSettings.objects.get()
        assert after.smtp_password == before.smtp_password
        assert (after.smtp_port, after.oidc_client_secret) == (25, "another")


class CalendarTest(TestCase):
    def test_a_line_has_at_most_75_bytes_and_no_separator_of_the_format(self):
        payee = Payee(name="Stadtwerke; München, Süd\\Nord\n" + "水" * 40)
        bill = Bill(pk=1, payee=payee, amount=1, currency="EUR", due_on=date(2030, 1, 31))
        lines = calendar_text([bill]).split("\r\n")
        assert max(len(line.encode()) for line in lines) <= 75
        unfolded = "\r\n".join(lines).replace("\r\n ", "")
        assert "DTSTART;VALUE=DATE:20300131" in unfolded
        assert f"SUMMARY:Stadtwerke\\; München\\, Süd\\\\Nord {'水' * 40}: 1 EUR" in unfolded


class StoredTest(SiteTest):
    def test_the_database_holds_no_secret_as_plaintext(self):
        bank, payee = BankConnection.objects.first(), Payee.objects.first()
        site = SiteSettings.objects.get()
        dump = "\n".join(connection.connection.iterdump())
        assert bank.name in dump
        for secret in (ADMIN, bank.access_url, site.smtp_password, payee.name):
            assert secret not in dump

    def test_there_is_one_row_of_settings(self):
        with self.assertRaisesMessage(IntegrityError, "one_row"), transaction.atomic():
            SiteSettings.objects.create(id=2)

    def test_the_example_is_loaded_once(self):
        with self.assertRaisesMessage(CommandError, "has payees already"):
            call_command("load_example", limit=1)
