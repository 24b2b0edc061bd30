"""Why a stored session may not be used any more, and what ends with one of an operator.

A session in which somebody else acts as its user hangs on that operator's own one: it is over as
soon as the own one is, whatever ends that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bt_security.conf import conf
from bt_security.sessions import registry
from bt_security.sessions.content import Facts, Operator
from bt_security.sessions.limits import Moment
from bt_security.signals import report

if TYPE_CHECKING:
    from bt_security.sessions.store import SealedSession


def why_over(facts: Facts, row: registry.Row | None, user_name: str | None, moment: Moment) -> str:
    """Return why a stored session may not be used any more, "" if it may.

    `lifetime`, `idle`, `revoked`, `user_deleted`, `ended` (all of the user's), `password_changed`,
    `rights_changed` (groups or permissions) or `role_changed`.
    """
    if reason := _changed(facts, row, user_name):
        return reason
    if facts.left_seconds() == 0 or (row is not None and row.expires_at <= moment.now):
        return "lifetime"
    return "idle" if row is not None and moment.is_idle(row.last_seen_at) else ""


def why_stopped(session: SealedSession, operator: Operator, moment: Moment) -> str:
    """Return why an operator may not go on to act as another user, "" if that is fine.

    `switched_off`, or `operator_` and what is wrong with the own session, as `why_over` says it.
    While the operator acts, the own session counts as used. One query more than other sessions.
    """
    if not conf.impersonation.enabled:
        return "switched_off"
    row = registry.find_public(operator.session)
    own = Facts(uuid=operator.session, mark=operator.mark)
    if reason := why_over(own, row, operator.user, moment):
        return f"operator_{reason}"
    if row is not None and registry.note_use(row, moment):
        session.prolong(row.digest)
    return ""


def end_for(reason: str, session: SealedSession, row: registry.Row, facts: Facts) -> None:
    """Let a session be over now, and report the reason unless that was done before.

    The row stays: the request that has just changed the password may be about to keep it. Nobody
    keeps an impersonated one, which goes together with the operator's own.
    """
    with registry.writing():
        if facts.operator is None:
            if registry.close(row.pk):
                said = {"reason": reason, "user": str(row.user_pk)}
                report("session.ended", target=f"session:{facts.uuid}", details=said)
        elif registry.drop(row.pk):
            report_stop(reason, facts.operator, session_id=facts.uuid, user_pk=row.user_pk)
            _end_own(session, facts.operator)


def end_with_own(reason: str, session: SealedSession, operator: Operator, user_pk: object) -> None:
    """End an impersonated session and the operator's own one, in the caller's transaction."""
    report_stop(reason, operator, session_id=session.facts.uuid, user_pk=user_pk)
    session.delete()
    _end_own(session, operator)


def report_stop(reason: str, operator: Operator, *, session_id: str, user_pk: object) -> None:
    """Report that nobody acts as a user by this session any more."""
    details = {"reason": reason, "operator": operator.user, "session": session_id}
    report("impersonation.ended", target=f"user:{user_pk}", details=details)


def _end_own(session: SealedSession, operator: Operator) -> None:
    """End the own session: nobody has its key who could be given it back."""
    row = registry.find_public(operator.session)
    if row is None or not registry.is_of(row, operator.user):
        return
    session.remove([row.digest])
    details = {"reason": "impersonation_ended"}
    report("session.ended", target=f"session:{operator.session}", details=details)


def _changed(facts: Facts, row: registry.Row | None, user_name: str | None) -> str:
    if facts.mark is None:
        return ""
    if row is None:
        return "revoked"
    if row.mark is None or not registry.is_of(row, user_name):
        return "user_deleted"
    if facts.mark == row.mark:
        return ""
    if facts.mark[0] != row.mark[0]:
        return "ended"
    if facts.mark[1] != row.mark[1]:
        return "password_changed"
    return "rights_changed" if facts.mark[2] != row.mark[2] else "role_changed"
