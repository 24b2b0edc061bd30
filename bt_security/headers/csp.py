"""The content security policy: built once by django-csp, the nonce spliced in for each response.

A response that django-csp's or Django's view decorators touched goes through django-csp's builder.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from csp.constants import HEADER, HEADER_REPORT_ONLY, NONCE
from csp.utils import build_policy, default_config
from django.conf import settings
from django.http import HttpResponseBase

REPORTING_GROUP = "bt-csp"
_ALL = 100  # per cent
_PLACE = "bt-security-nonce"
_DJANGO_NONCE = "<CSP_NONCE_SENTINEL>"  # django.utils.csp.CSP.NONCE, which Django 5.2 lacks


class Reports(Enum):
    """Where a response asks violations to be reported to."""

    NOWHERE = ("report-uri", "report-to")
    BY_URI = ("report-to",)
    ANYWHERE = ()

    def left_out(self, config: dict[str, Any]) -> dict[str, None]:
        """Return the directives that are taken out of a policy; others' groups stay."""
        is_others = config.get("report-to") != REPORTING_GROUP
        if self is Reports.BY_URI and is_others:
            return {}
        return dict.fromkeys(self.value)


@dataclass(frozen=True, slots=True)
class Marks:
    """Names of the attributes by which decorators mark a response."""

    exempt: str
    config: tuple[str, ...]
    update: str
    replace: str

    @property
    def names(self) -> frozenset[str]:
        """All of them."""
        return frozenset({self.exempt, *self.config, self.update, self.replace})


ENFORCED = Marks("_csp_exempt", ("_csp_config",), "_csp_update", "_csp_replace")
REPORTED = Marks(
    "_csp_exempt_ro", ("_csp_config_ro", "_csp_ro_config"), "_csp_update_ro", "_csp_replace_ro"
)


@dataclass(frozen=True, slots=True)
class SplicedText:
    """A policy's text with and without a nonce."""

    plain: str
    pieces: tuple[str, ...]

    def with_nonce(self, nonce: str) -> str:
        """Return the text; `nonce` "" leaves the source out."""
        return nonce.join(self.pieces) if nonce else self.plain


@dataclass(frozen=True, slots=True)
class Policy:
    """One of the two policies of a site, ready to be written."""

    header: str
    key: str
    marks: Marks
    mark_names: frozenset[str]
    config: dict[str, Any] | None
    texts: dict[Reports, SplicedText]
    excluded_prefixes: tuple[str, ...]
    report_percentage: float

    def apply(self, response: HttpResponseBase, *, path: str, nonce: str, is_secure: bool) -> None:
        """Set the header, unless the path or the view is exempt."""
        if self.excluded_prefixes and path.startswith(self.excluded_prefixes):
            return
        reports = self._reports(is_secure=is_secure)
        if self.mark_names.isdisjoint(response.__dict__):
            value = self.texts[reports].with_nonce(nonce)
        else:
            value = self._built(response, nonce, reports)
        if value:
            response.headers[self.header] = value

    def _reports(self, *, is_secure: bool) -> Reports:
        percentage = self.report_percentage
        if percentage < _ALL and random.random() * _ALL >= percentage:  # noqa: S311 - a sample
            return Reports.NOWHERE
        # Chrome ignores the group on plain HTTP, and the address because of the group.
        return Reports.ANYWHERE if is_secure else Reports.BY_URI

    def _built(self, response: HttpResponseBase, nonce: str, reports: Reports) -> str:
        marks = vars(response)
        if marks.get(self.marks.exempt):
            return ""
        own = [marks[name] for name in self.marks.config if marks.get(name) is not None]
        config = _in_django_csp_terms(own[0]) if own else self.config
        if config is None:
            return ""
        replace = {**(marks.get(self.marks.replace) or {}), **reports.left_out(config)}
        text: str = build_policy(
            config=config, update=marks.get(self.marks.update), replace=replace, nonce=nonce
        )
        return text


def site_policies(report_url: str) -> tuple[Policy, ...]:
    """Return the policies of the settings; with `report_url`, their reports go there.

    Where a policy names a place for reports itself, that stays.
    """
    return (
        _policy(HEADER, ENFORCED, "CONTENT_SECURITY_POLICY", report_url),
        _policy(HEADER_REPORT_ONLY, REPORTED, "CONTENT_SECURITY_POLICY_REPORT_ONLY", report_url),
    )


def _policy(header: str, marks: Marks, name: str, report_url: str) -> Policy:
    value: dict[str, Any] = getattr(settings, name, None) or {}
    config = default_config(value.get("DIRECTIVES") or {}) if value else None
    if config is not None and report_url:
        config = _with_reports(config, report_url)
    return Policy(
        header=header,
        key=header.lower(),
        marks=marks,
        mark_names=marks.names,
        config=config,
        texts={reports: _spliced(config, reports) for reports in Reports},
        excluded_prefixes=tuple(value.get("EXCLUDE_URL_PREFIXES") or ()),
        report_percentage=value.get("REPORT_PERCENTAGE", 100),
    )


def _with_reports(config: dict[str, Any], report_url: str) -> dict[str, Any]:
    if config["report-uri"] or config["report-to"]:
        return config
    return {**config, "report-uri": report_url, "report-to": REPORTING_GROUP}


def _spliced(config: dict[str, Any] | None, reports: Reports) -> SplicedText:
    if config is None:
        return SplicedText("", ("",))
    replace = reports.left_out(config)
    plain = build_policy(config=config, replace=replace)
    marked = build_policy(config=config, replace=replace, nonce=_PLACE)
    return SplicedText(_ordered(plain), tuple(_ordered(marked).split(_PLACE)))


def _ordered(text: str) -> str:
    """Sort the directives: django-csp's order differs from process to process."""
    return "; ".join(sorted(text.split("; ")))


def _in_django_csp_terms(config: dict[str, Any]) -> dict[str, Any]:
    """Return a view's policy with Django's mark for the nonce as django-csp's."""
    return {directive: _sources(value) for directive, value in config.items()}


def _sources(value: Any) -> Any:
    if isinstance(value, str) or not isinstance(value, Iterable):
        return [NONCE] if value == _DJANGO_NONCE else value
    sources = sorted(value, key=str) if isinstance(value, set) else list(value)
    return [NONCE if source == _DJANGO_NONCE else source for source in sources]
