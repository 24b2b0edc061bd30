"""A short name for a browser, by which its owner tells it from the others."""

from __future__ import annotations

# The first that is found wins: Edge and Opera also say Chrome, and Chrome says Safari.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def label_of(user_agent: str) -> str:
    """Return browser and system such as `Firefox on Linux`, without versions; "" if unknown.

    It is the browser's own word: good for a list, worthless for a decision. So is what a library
    for user agents makes of it. Browsers freeze their versions and models by now, and a list of
    devices that nobody updates names new ones wrongly; what is left is these few marks.
    """
    names = (_first(_BROWSERS, user_agent), _first(_SYSTEMS, user_agent))
    return " on ".join(filter(None, names))


def _first(marks: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for mark, name in marks if mark in user_agent), "")
