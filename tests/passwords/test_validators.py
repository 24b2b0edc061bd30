"""What a new password has to be."""

from __future__ import annotations

import pytest
from django.contrib.auth.password_validation import (
    get_password_validators,
    password_validators_help_texts,
    validate_password,
)
from django.core.exceptions import ValidationError

from bt_security.passwords import (
    CharacterClassesValidator,
    MinimumLengthValidator,
    RepetitionValidator,
    password_validators,
)
from tests.testapp.models import Account

pytestmark = pytest.mark.once

GOOD = "Tr0ub4dor&3"
PHRASE = "correct horse battery"


def codes(password: str, **rules) -> list[str]:
    """Return the codes of the rules that refuse it."""
    chosen = get_password_validators(password_validators(**rules))
    user = Account(email="somebody@example.com")
    try:
        validate_password(password, user, chosen)
    except ValidationError as refusal:
        return [error.code for error in refusal.error_list]
    return []


@pytest.mark.feature("TK-30")
def test_seven_characters_are_refused_and_eight_are_not():
    """Seven characters are refused and eight are not."""
    assert codes("Ab1!xyz") == ["password_too_short"]
    assert codes("Ab1!xyzw") == []


@pytest.mark.feature("TK-31")
@pytest.mark.parametrize("password", ["tr0ub4dor&3", "TR0UB4DOR&3", "Troubador&", "Tr0ub4dor3"])
def test_a_password_without_one_class_is_refused_with_one_message(password):
    """Upper case, lower case, digit and special character are all required, and one message says
    so."""
    assert codes(password) == ["password_lacks_classes"]


@pytest.mark.feature("TK-31")
@pytest.mark.parametrize("password", [GOOD, "Äpfel٣ & Birnen", "Ünï1 cödé", "Zürich8世界"])
def test_letters_and_digits_of_every_script_count(password):
    """Letters and digits of every script count for the required classes."""
    assert codes(password) == []


@pytest.mark.parametrize("password", ["世界世界ab1A", "Ab1\U0001f600xyzw", "Abcdef1²"])
def test_what_has_no_case_and_is_no_digit_is_special(password):
    assert codes(password) == []


@pytest.mark.feature("TK-32")
@pytest.mark.parametrize("password", ["P@ssword", "Password1!", "1QAZ@wsx"])
def test_a_common_password_is_refused_whatever_its_case(password):
    """A common password is refused, whatever its case."""
    assert "password_too_common" in codes(password)


@pytest.mark.feature("TK-33")
@pytest.mark.parametrize(
    "password",
    ["11111111", "Aaaaaaaa", "abababab", "Abcabcab", "Aa1!Aa1!", "Aa1!Aa1!Aa", "ÄäÄäÄäÄä"],
)
def test_a_pattern_over_and_over_is_refused(password):
    """A password that is one pattern over and over is refused."""
    assert "password_repetitive" in codes(password)


@pytest.mark.feature("TK-33")
@pytest.mark.parametrize("password", ["Aaaaaaaa1!", "1!Aaaaaaaa", "Ab1!xAb1!x", "Aa1!Aa1?"])
def test_a_pattern_beside_something_else_is_allowed(password):
    """A password with a repetition beside something else is allowed."""
    assert codes(password) == []


@pytest.mark.parametrize("password", ["", "a", "aa"])
def test_no_rule_breaks_on_a_short_password(password):
    assert "password_too_short" in codes(password)


def test_a_password_like_the_user_is_refused():
    assert codes("Somebody@example.com1") == ["password_too_similar"]


@pytest.mark.parametrize(
    ("password", "is_refused"),
    [("Aa1!" + "ä" * 126, False), ("Aa1!" + "ä" * 127, True), ("Aa1!" + "xyz" * 2_000_000, True)],
)
def test_a_password_of_too_many_bytes_is_refused(settings, password, is_refused):
    settings.BT_SECURITY_PASSWORDS_MAX_BYTES = 256
    assert codes(password) == (["password_too_long"] if is_refused else [])


def test_half_a_surrogate_pair_is_refused():
    assert codes(f"{GOOD}\ud800") == ["password_too_long"]


@pytest.mark.parametrize(
    ("rule", "password", "code"),
    [
        ("classes", "onlyletters", "password_lacks_classes"),
        ("common", "Password1!", "password_too_common"),
        ("repetitive", "Aa1!Aa1!", "password_repetitive"),
        ("similar", "Somebody@example.com1", "password_too_similar"),
    ],
)
def test_each_rule_can_be_switched_off(rule, password, code):
    assert codes(password) == [code]
    assert codes(password, **{rule: False}) == []


def test_a_site_may_have_its_own_minimum():
    assert codes("Ab1!xyzw", min_characters=9) == ["password_too_short"]
    assert codes("Ab1!x", min_characters=5) == []


def test_the_nist_profile_asks_for_length_alone(settings):
    settings.BT_SECURITY_PASSWORDS_PROFILE = "nist"
    assert codes(PHRASE) == []
    assert codes("x" * 15) == []
    assert codes(GOOD) == ["password_too_short"]
    assert codes("12345678987654321") == ["password_too_common"]


def test_a_site_s_own_minimum_holds_in_the_nist_profile(settings):
    settings.BT_SECURITY_PASSWORDS_PROFILE = "nist"
    assert codes("x" * 15, min_characters=20) == ["password_too_short"]


@pytest.mark.parametrize(("profile", "characters"), [("classes", 8), ("nist", 15)])
def test_the_minimum_is_told_to_the_user(settings, profile, characters):
    settings.BT_SECURITY_PASSWORDS_PROFILE = profile
    assert f"at least {characters} characters" in MinimumLengthValidator().get_help_text()
    with pytest.raises(ValidationError, match=f"at least {characters} characters"):
        MinimumLengthValidator().validate("short")


@pytest.mark.parametrize("profile", ["classes", "nist"])
def test_every_rule_has_a_help_text(settings, profile):
    settings.BT_SECURITY_PASSWORDS_PROFILE = profile
    texts = password_validators_help_texts(get_password_validators(password_validators()))
    assert len(texts) == 6
    assert all(text.endswith(".") for text in texts)


def test_messages_speak_of_the_rule_and_never_of_the_password():
    for rule in (CharacterClassesValidator(), RepetitionValidator(), MinimumLengthValidator()):
        with pytest.raises(ValidationError) as refusal:
            rule.validate("zqzqzq")
        assert "zq" not in "".join(refusal.value.messages)
