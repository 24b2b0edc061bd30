"""One form for all spellings of a log-in name that a database may take as equal."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

MAX_ACCOUNT_CHARS = 320
"""What is longer is cut: no mail address is, and folding a text of megabytes would cost."""

_IGNORED = frozenset({"Cc", "Cf", "Cn", "Mc", "Me", "Mn", "Sk", "So"})
_NO_WEIGHT = frozenset("\u00b7\u0640\u115f\u1160")  # letters and points that are no more than room
_LATIN = re.compile(
    r"(?:COMBINING )?LATIN (?:SMALL LETTER|CAPITAL LETTER|SMALL LIGATURE|LETTER SMALL CAPITAL)"
    r" (?:DOTLESS )?([A-Z]{1,2}|ETH|THORN)(?: WITH .+)?"
)
_DIGITS = frozenset(range(10))
_WRITTEN = {"ETH": "d", "THORN": "th"}
_S = re.compile("s+")


def folded(account: str) -> str:
    """Return one form for all spellings of a log-in name that a database may take as equal.

    Case, accents, strokes, ligatures, digits of other scripts, compatibility forms, invisible
    characters and outer spaces make no difference, nor does how often an s is repeated: the sharp
    s is one s for some databases and two for others. Two accounts that differ in these only share
    a budget.

    Source: Unicode Technical Standard 10; what MariaDB takes as equal in its `_ci` collations.
    """
    text = unicodedata.normalize("NFKC", account[:MAX_ACCOUNT_CHARS]).casefold()
    if not (text.isascii() and text.isprintable()):
        text = "".join(map(_base, unicodedata.normalize("NFKD", text)))
    return _S.sub("s", text).strip()


@lru_cache(maxsize=4096)
def _base(char: str) -> str:
    """Return what is left of a decomposed character, "" if nothing is."""
    if char.isascii() and char.isprintable():
        return char
    number = unicodedata.numeric(char, -1.0)
    if number in _DIGITS:
        return str(int(number))
    if latin := _LATIN.fullmatch(unicodedata.name(char, "")):
        return _WRITTEN.get(latin[1], latin[1].lower())
    return "" if char in _NO_WEIGHT or unicodedata.category(char) in _IGNORED else char
