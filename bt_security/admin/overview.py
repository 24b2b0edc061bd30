"""What the page of the keys says before anything is counted: at most a few rows are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from bt_security import keys
from bt_security.conf.keys import read_operator_keys
from bt_security.exceptions import BTSecurityError
from bt_security.keys import Keyring, store
from bt_security.rotation.status import TRADE_OFF, KeyStatus
from bt_security.types import KeySource


class Step(NamedTuple):
    """One thing to do next: why, and the command if there is one."""

    text: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class Overview:
    """Keys and state. `phase` is "", `migrating` or `done`; `refusal` says why nothing is sealed.

    `is_made` is False while there is neither key nor state: opening the page makes none.
    `is_usable` is False where the keys cannot even be read.
    """

    source: KeySource
    phase: str = ""
    refusal: str = ""
    sealing_key_id: str = ""
    operator_key_id: str = ""
    previous_key_ids: tuple[str, ...] = ()
    database_key_ids: tuple[str, ...] = ()
    accepts_database_key: bool = False
    is_made: bool = True
    is_usable: bool = True

    @property
    def warnings(self) -> list[str]:
        """What an administrator has to know without counting anything."""
        if self.refusal:
            return [self.refusal]
        return [_(TRADE_OFF)] if self.source == "database" else []


def overview() -> Overview:
    """Read keys and state; writes nothing and never raises on unusable keys."""
    source: KeySource = "database"
    try:
        if read_operator_keys().current is not None:
            source = "environment"
        if not store.read([store.DATABASE_KEY, store.KEY_STATE]):
            return Overview(source, is_made=False)
        return _of_keyring(keys.reload())
    except (BTSecurityError, ImproperlyConfigured) as error:
        return Overview(source, refusal=str(error), is_usable=False)


def _of_keyring(ring: Keyring) -> Overview:
    operator, sealer = ring.operator_key, ring.sealer
    return Overview(
        source=ring.source,
        phase=ring.state.phase if ring.state is not None else "",
        refusal=str(ring.refusal) if sealer is None and ring.refusal is not None else "",
        sealing_key_id=sealer.key_id if sealer is not None else "",
        operator_key_id=operator.key_id if operator is not None else "",
        previous_key_ids=tuple(key.key_id for key in ring.previous_keys),
        database_key_ids=tuple(key.key_id for key in ring.database_keys),
        accepts_database_key=ring.opens_database_key,
    )


def next_steps(seen: Overview, counted: KeyStatus | None = None) -> list[Step]:
    """Return what to run next, in order; nothing while a refusal has to be dealt with first."""
    if seen.refusal:
        return []
    if seen.source == "database" and not seen.operator_key_id:
        return _towards_an_operator_key()
    if seen.is_made and seen.phase != "done":
        text = _("Seal the values that are still under the database key with the operator key:")
        return [Step(text, "manage.py rotate_keys --online")]
    steps = []
    if counted is not None and counted.old:
        text = _("Seal %(count)d old value(s) under the newest key:") % {"count": counted.old}
        steps.append(Step(text, "manage.py rotate_keys --online"))
    if seen.previous_key_ids:
        steps += _away_from_old_keys(is_clean=counted is not None and not counted.needs_old_keys)
    if seen.phase == "done" and seen.database_key_ids:
        text = _("The database key opens nothing any more. Delete it:")
        steps.append(Step(text, "manage.py rotate_keys --retire-database-key"))
    return steps


def _towards_an_operator_key() -> list[Step]:
    return [
        Step(_("Make a key, and keep a copy of it outside this server:"), "manage.py generate_key"),
        Step(_("Set it as TOKEN_ENCRYPTION_KEY in the environment and restart the site.")),
        Step(_("Seal everything under it:"), "manage.py rotate_keys"),
    ]


def _away_from_old_keys(*, is_clean: bool) -> list[Step]:
    remove = Step(_("Remove TOKEN_ENCRYPTION_KEY_PREVIOUS from the environment and restart."))
    if is_clean:
        return [remove]
    text = _("Make sure that no value needs an old key:")
    return [Step(text, "manage.py key_status --fail-on-old"), remove]
