"""Changed sealed texts by the ten thousand: a refusal each time, never a value, never a crash."""

from __future__ import annotations

import base64
import os
import random
import string

import pytest
from django.db import connection

from bt_security.crypto import SealingKey
from bt_security.exceptions import NotSealed, RetiredKey, Tampered, WrongKey
from bt_security.fields import Sealed, Unreadable
from bt_security.keys import Keyring, current
from tests.testapp.models import BankConnection, Note, Person

pytestmark = [pytest.mark.once, pytest.mark.heavy, pytest.mark.feature("BT-26")]

MUTATIONS = 100_000 if os.environ.get("BT_TEST_SCALE") == "full" else 20_000
REFUSALS = (WrongKey, RetiredKey, Tampered, NotSealed)
OPERATOR = SealingKey("e2", b"mutation-tests-operator-key-0123456789")
PREVIOUS = SealingKey("e2", b"mutation-tests-previous-key-9876543210")
DATABASE = SealingKey("e1", bytes(range(48)))
RINGS = {
    "while moving": Keyring(
        openers={key.prefix: key for key in (OPERATOR, PREVIOUS, DATABASE)}, sealer=OPERATOR
    ),
    "moved": Keyring(
        openers={key.prefix: key for key in (OPERATOR, PREVIOUS)},
        sealer=OPERATOR,
        opens_database_key=False,
    ),
}
COLUMNS = {
    "plain": (Note, "body", ()),
    "with lookup": (Person, "name", ()),
    "bound": (BankConnection, "access_url", (7,)),
}
LOOKALIKES = dict(zip("e2:acopxAB=+/0", "е２：асорхΑΒ＝＋／O", strict=True))  # noqa: RUF001
ODD = [" ", "\n", "\r\n", "\t", "\0", "\u00a0", "\u200b", "\ufeff", "\ud800", "=", "==", ":", "%"]


@pytest.fixture(params=list(RINGS))
def ring(request):
    current.fix(RINGS[request.param])
    yield RINGS[request.param]
    current.fix(None)


@pytest.fixture(params=list(COLUMNS))
def column(request, ring):
    model, name, bound = COLUMNS[request.param]
    return model._meta.get_field(name), bound


def valid_texts(field, bound):
    """Values of both lengths of padding under every key, ours and one of a foreign column."""
    keys = [OPERATOR, PREVIOUS, DATABASE]
    values = ["", "x", "xy", "xyz", "Zürich " * 9]
    texts = [field.seal(value, bound=bound, key=key) for value in values for key in keys]
    elsewhere = Person._meta.get_field("code").seal("moved from elsewhere", key=OPERATOR)
    return texts, [*texts, elsewhere]


def flip(chance, text, _):
    place = chance.randrange(len(text))
    return text[:place] + chr(ord(text[place]) ^ 1 << chance.randrange(7)) + text[place + 1 :]


def flip_byte(chance, text, _):
    header, _, encoded = text.rpartition(":")
    box = bytearray(base64.b64decode(encoded))
    box[chance.randrange(len(box))] ^= 1 << chance.randrange(8)
    return f"{header}:{base64.b64encode(box).decode()}"


def replace(chance, text, _):
    place = chance.randrange(len(text))
    return text[:place] + chance.choice(string.printable) + text[place + 1 :]


def cut(chance, text, _):
    first, last = sorted(chance.randrange(len(text) + 1) for _ in range(2))
    return chance.choice([text[:first], text[last:], text[:first] + text[last:]])


def insert(chance, text, _):
    place = chance.randrange(len(text) + 1)
    return text[:place] + chance.choice([*ODD, *string.printable]) + text[place:]


def surround(chance, text, _):
    return chance.choice([text + chance.choice(ODD), chance.choice(ODD) + text, text * 2])


def swap_parts(chance, text, other):
    mine, yours = text.split(":"), other.split(":")
    place = chance.randrange(min(len(mine), len(yours)))
    mine[place] = yours[place] if chance.random() < 0.5 else yours[-1]
    return ":".join(mine)


def swap_bytes(chance, text, other):
    header, _, encoded = text.rpartition(":")
    mine = base64.b64decode(encoded)
    yours = base64.b64decode(other.rpartition(":")[2])
    mixed = chance.choice([yours[:12] + mine[12:], mine[:-16] + yours[-16:], mine + yours])
    return f"{header}:{base64.b64encode(mixed).decode()}"


def change_prefix(chance, text, other):
    made = ["e1:", "e2:", "e3:", "e0:", "v2:", "E2:", "e2", "", "e2:e2:", "e1:e2:", ":", "enc:"]
    known = [OPERATOR.prefix, PREVIOUS.prefix, DATABASE.prefix, other[:12], other[:37]]
    return chance.choice([*made, *known]) + text[chance.choice([2, 3, 12, 37]) :]


def change_case(chance, text, _):
    place = chance.randrange(len(text))
    one = text[:place] + text[place].swapcase() + text[place + 1 :]
    return chance.choice([one, text.upper(), text.lower(), text.swapcase(), text.title()])


def change_padding(chance, text, _):
    bare = text.rstrip("=")
    return chance.choice([bare, f"{bare}=", f"{bare}==", f"{bare}===", f"{text}=", f"{bare}A="])


def change_spare_bits(chance, text, _):
    bare = text.rstrip("=")
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
    return bare[:-1] + chance.choice(alphabet) + text[len(bare) :]


def change_alphabet(chance, text, _):
    if chance.random() < 0.3:
        return text.replace("+", "-").replace("/", "_")
    places = [place for place, character in enumerate(text) if character in LOOKALIKES]
    place = chance.choice(places)
    return text[:place] + LOOKALIKES[text[place]] + text[place + 1 :]


MUTATORS = [
    flip,
    flip_byte,
    replace,
    cut,
    insert,
    surround,
    swap_parts,
    swap_bytes,
    change_prefix,
    change_case,
    change_padding,
    change_spare_bits,
    change_alphabet,
]


def mutations(field, bound):
    """Yield changed texts; one that happens to be another valid value of the column is none."""
    texts, others = valid_texts(field, bound)
    chance = random.Random(f"{field.name} 1")
    made = 0
    while made < MUTATIONS:
        mutator = MUTATORS[made % len(MUTATORS)]
        changed = mutator(chance, chance.choice(texts), chance.choice(others))
        if changed not in texts:
            made += 1
            yield changed


def outcome(open_it, *given):
    try:
        return open_it(*given)
    except REFUSALS:
        return "refused"


def test_no_mutation_opens_or_crashes(column):
    field, bound = column
    values = {outcome(field.open_text, text, bound) for text in mutations(field, bound)}
    assert values == {"refused"}


def test_no_mutation_breaks_the_loading_of_a_row(column):
    field, bound = column
    kinds = set()
    for text in mutations(field, bound):
        loaded = field.from_db_value(text, None, connection)
        if isinstance(loaded, Sealed):
            loaded = outcome(lambda sealed=loaded: sealed.open(owner=bound[0]))
        kinds.add(loaded if isinstance(loaded, str) else type(loaded))
    assert kinds == ({"refused"} if bound else {Unreadable})


def test_every_kind_of_mutation_changes_the_text():
    field = Note._meta.get_field("body")
    current.fix(RINGS["moved"])
    texts, _ = valid_texts(field, ())
    current.fix(None)
    chance = random.Random(2)
    for mutator in MUTATORS:
        changed = [mutator(chance, chance.choice(texts), texts[0]) for _ in range(50)]
        assert set(changed) - set(texts), mutator.__name__


def test_the_unchanged_texts_open(column, ring):
    field, bound = column
    texts, _ = valid_texts(field, bound)
    opened = [text for text in texts if outcome(field.open_text, text, bound) != "refused"]
    assert opened == [text for text in texts if text[:12] in ring.openers]
