"""`csrf.js` in a browser."""

from __future__ import annotations

import pytest

from bt_security.headers import strict_policy

pytestmark = [pytest.mark.once, pytest.mark.browser]

SEND = """
const [url, options, done] = arguments;
btSecurity.fetch(url, options).then(
    async (response) => done({ status: response.status, ...(await response.json()) }),
    (error) => done(String(error)),
);
"""
SEND_TOGETHER = """
const [number, done] = arguments;
const all = Array.from({ length: number }, () => btSecurity.fetch("/change", { method: "POST" }));
Promise.all(all).then((responses) => done(responses.map((response) => response.status)));
"""
LOOK_UPS = """
return performance.getEntriesByType("resource").filter((e) => e.name.includes("csrf-token")).length
"""


@pytest.fixture
def strict_site(site):
    site.BT_SECURITY_FEATURES = ["csrf", "headers"]
    site.CONTENT_SECURITY_POLICY = strict_policy()
    return site


@pytest.fixture
def open_page(strict_site, shared_browser, start_server):
    """Open a page of the site."""

    def opened(path="/page"):
        shared_browser.get(start_server() + path)
        return shared_browser

    return opened


def send(driver, url, **options):
    return driver.execute_async_script(SEND, url, options)


def test_a_plain_fetch_is_refused(open_page):
    script = "arguments[1] = arguments[0]; fetch('/change', {method: 'POST'}).then("
    script += "(response) => arguments[1](response.status))"
    assert open_page().execute_async_script(script) == 403


def test_another_site_gets_no_token(open_page, strict_site, start_server):
    strict_site.CONTENT_SECURITY_POLICY = None
    driver = open_page()
    send(driver, "/change", method="POST")
    answer = send(driver, f"{start_server()}/open", method="POST")
    assert answer == {"status": 200, "token": ""}


@pytest.mark.feature("BD-22")
@pytest.mark.parametrize("path", ["/page", "/module"])
def test_changes_of_the_same_site_carry_the_token(open_page, path):
    """`csrf.js` adds the header to same-origin mutations only, under the strict policy too."""
    driver = open_page(path)
    for method in ("POST", "PUT", "PATCH", "DELETE", "post"):
        answer = send(driver, "/change", method=method)
        assert answer["status"] == 200
        assert answer["token"]
    assert send(driver, "/change") == {"status": 200, "token": "", "method": "GET"}
    assert driver.get_log("browser") == []


def test_the_token_is_fetched_once(open_page):
    driver = open_page()
    assert driver.execute_script(LOOK_UPS) == 0
    assert driver.execute_async_script(SEND_TOGETHER, 5) == [200] * 5
    assert send(driver, "/change", method="POST")["status"] == 200
    assert driver.execute_script(LOOK_UPS) == 1


def test_a_token_that_went_stale_is_replaced_once(open_page):
    driver = open_page()
    send(driver, "/change", method="POST")
    driver.delete_all_cookies()
    assert send(driver, "/change", method="POST", body="kept")["status"] == 200
    assert driver.execute_script(LOOK_UPS) == 2


def test_a_refusal_that_stays_is_shown(open_page):
    driver = open_page()
    answer = send(driver, "/refused", method="POST", headers={"Accept": "application/json"})
    assert (answer["status"], answer["code"]) == (403, "CSRF_FAILED")
    assert driver.execute_script(LOOK_UPS) == 2


def test_a_token_of_the_caller_stays(open_page):
    driver = open_page()
    answer = send(driver, "/open", method="POST", headers={"X-CSRF-Token": "own"})
    assert answer["token"] == "own"


def test_one_global_is_made(open_page):
    driver = open_page()
    names = "return Object.keys(window).filter((name) => /csrf|token|btSecurity/i.test(name))"
    assert driver.execute_script(names) == ["btSecurity"]
    keys = driver.execute_script("return Object.keys(btSecurity)")
    assert keys == ["fetch", "csrfToken", "forgetCsrfToken"]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("delete element.dataset.csrfTokenUrl", "no element of the page"),
        ("element.dataset.csrfTokenUrl = 'https://evil.example/'", "leads to another site"),
        ("element.dataset.csrfTokenUrl = '/nowhere'", "status 404"),
    ],
)
def test_a_page_without_a_place_for_tokens_is_told(open_page, change, text):
    driver = open_page()
    driver.execute_script(f"const element = document.querySelector('script'); {change}")
    assert text in send(driver, "/change", method="POST")
