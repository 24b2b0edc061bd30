"""A browser without scripts: cookies, forms, and no redirect followed unasked."""

from __future__ import annotations

import http.cookiejar
import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from email.message import Message
from html.parser import HTMLParser
from typing import Any

BOUNDARY = "a-boundary-that-no-file-holds"


@dataclass
class Answer:
    status: int
    headers: Message
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def location(self) -> str | None:
        return self.headers["Location"]

    def json(self) -> Any:
        return json.loads(self.body)

    def fields(self, action: str = "") -> dict[str, str]:
        """What the page's form to `action` holds; without one, the page's own form."""
        parser = _Forms()
        parser.feed(self.text)
        for form in parser.forms:
            if form.action == action:
                return form.fields
        raise AssertionError(f"no form to {action!r}, but to {[f.action for f in parser.forms]}")


@dataclass
class _Form:
    action: str
    fields: dict[str, str]


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[_Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(_Form(given.get("action", ""), {}))
        elif tag == "input" and self.forms and "name" in given:
            self.forms[-1].fields[given["name"]] = given.get("value", "")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        return None


class Visitor:
    """One client with an address and cookies of its own."""

    def __init__(self, base: str, address: str) -> None:
        self.base = base
        self.address = address
        self.cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self.cookies),
            urllib.request.ProxyHandler({}),
            _NoRedirect(),
        )

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        url = urllib.parse.urljoin(self.base, path)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(
            url, body, {"X-Forwarded-For": self.address, **named}, method=method
        )
        try:
            with self._opener.open(request, timeout=30) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as refusal:
            with refusal:
                return Answer(refusal.code, refusal.headers, refusal.read())

    def get(self, path: str, **headers: str) -> Answer:
        return self.send("GET", path, **headers)

    def submit(self, page: str, fields: dict[str, str], *, action: str = "") -> Answer:
        """Open `page`, fill in its form and send it."""
        form = self.get(page).fields(action)
        return self.post(action or page, {**form, **fields})

    def post(self, path: str, fields: dict[str, str], **headers: str) -> Answer:
        body = urllib.parse.urlencode(fields).encode()
        return self.send("POST", path, body, **headers)

    def upload(self, page: str, text: str, *, action: str) -> Answer:
        """Choose a file in the form of `page` and send it."""
        parts = [
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in self.get(page).fields(action).items()
            if name != "file"
        ]
        parts.append(
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="bills.csv"'
            f"\r\nContent-Type: text/csv\r\n\r\n{text}\r\n--{BOUNDARY}--\r\n"
        )
        return self.send(
            "POST",
            action,
            "".join(parts).encode(),
            Content_Type=f"multipart/form-data; boundary={BOUNDARY}",
        )

    def cookie(self, name: str) -> str | None:
        return next((c.value for c in self.cookies if c.name == name), None)

    def stranger(self) -> Visitor:
        """Another browser at the same address."""
        return Visitor(self.base, self.address)

    def copy(self) -> Visitor:
        """Somebody who has stolen this browser's cookies."""
        thief = self.stranger()
        for cookie in self.cookies:
            thief.cookies.set_cookie(cookie)
        return thief
