"""Two browsers, one password: the owner's ends what the stranger's has begun."""

from __future__ import annotations

import pytest
from django.core import mail
from selenium.webdriver.common.by import By

from bt_security.models import LoginEvent
from tests.browser import press
from tests.history.alerting import alert_site, link_in, only_mail
from tests.history.conftest import PASSWORD

__all__ = ["alert_site"]

pytestmark = [
    pytest.mark.once,
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
]
NEW = "Another-staple-8"


@pytest.fixture
def base(alert_site, user, start_server):
    return start_server()


def log_in(driver, base, user, password=PASSWORD):
    driver.get(f"{base}/own/account/login/")
    driver.find_element(By.NAME, "username").send_keys(user.email)
    driver.find_element(By.NAME, "password").send_keys(password)
    press_button(driver)


def press_button(driver):
    press(driver, driver.find_element(By.CSS_SELECTOR, "main button"))


def seen(driver, url):
    driver.get(url)
    return driver.find_element(By.TAG_NAME, "body").text


def change_password(driver):
    typed = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    for name, password in typed.items():
        driver.find_element(By.NAME, name).send_keys(password)
    press_button(driver)


def test_the_owner_follows_the_mail_and_the_stranger_is_out(base, user, browser):
    owner, stranger = browser(), browser()
    log_in(owner, base, user)
    assert mail.outbox == []
    log_in(stranger, base, user)
    assert seen(stranger, f"{base}/page") == f"page of {user}"

    link = link_in(only_mail())
    assert link.startswith(f"{base}/own/account/not-me/?token=")
    owner.get(link)
    assert seen(stranger, f"{base}/page") == f"page of {user}"  # opening it does nothing
    press_button(owner)
    assert owner.current_url == f"{base}/own/account/not-me/done/"
    assert seen(stranger, f"{base}/page") == "page of AnonymousUser"
    assert LoginEvent.objects.exclude(disowned_at=None).count() == 1

    press(owner, owner.find_element(By.LINK_TEXT, "Log in"))
    log_in(owner, base, user)
    assert owner.current_url == f"{base}/own/account/password/"
    assert "password" in seen(owner, f"{base}/page").lower()
    assert owner.current_url == f"{base}/own/account/password/"
    change_password(owner)
    assert seen(owner, f"{base}/page") == f"page of {user}"
