"""Which features are on, for checks that must not fail where that is malformed."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured

from bt_security.conf import Feature, conf


def features_on() -> list[str]:
    """Return the features that are on; none where the list is refused: E001 and E002 say why."""
    try:
        return list(conf.features)
    except ImproperlyConfigured:
        return []


def is_on(feature: Feature) -> bool:
    """Tell whether a feature is on; not where the list is refused."""
    return feature in features_on()
