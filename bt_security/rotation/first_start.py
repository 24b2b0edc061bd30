"""What happens by itself: the key after `migrate`, the re-seal at the first start with a key."""

from __future__ import annotations

import logging
from typing import Any

from django.apps import AppConfig, apps
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import request_started
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.db.models.signals import post_migrate

from bt_security import keys
from bt_security.conf import conf
from bt_security.conf.keys import read_operator_keys
from bt_security.exceptions import BTSecurityError
from bt_security.keys import store
from bt_security.keys.inventory import count_database_key_values, sealed_models, sealed_tables
from bt_security.rotation.inventory import refresh_inventory
from bt_security.rotation.report import Report
from bt_security.rotation.target import finish_move
from bt_security.rotation.transaction import rotate_in_transactions
from bt_security.types import OWN_APP

logger = logging.getLogger("bt_security.rotation")


def connect() -> None:
    """Connect the receivers, only if there are sealed columns that the site can use.

    Without one the app connects nothing and touches no database. The package's own columns stay
    empty until a feature is on.
    """
    if not _has_usable_columns():
        return
    post_migrate.connect(after_migrate, dispatch_uid="bt_security.after_migrate")
    if _has_operator_key():
        request_started.connect(
            before_first_request, dispatch_uid="bt_security.before_first_request"
        )


def _has_usable_columns() -> bool:
    if any(model._meta.app_label != OWN_APP for model, _fields in sealed_models()):
        return True
    try:
        return bool(conf.features)
    except ImproperlyConfigured:
        return False  # E001 and E002 speak of it


def _has_operator_key() -> bool:
    try:
        return read_operator_keys().current is not None
    except ImproperlyConfigured:
        return False  # judged before; a command that needs no key goes on


def after_migrate(sender: AppConfig, using: str, **_: Any) -> None:
    """Make the database key, and re-seal if the operator key is new. Receiver of `post_migrate`.

    The signal comes once per app; the last one finds everything migrated.
    """
    last = [config for config in apps.get_app_configs() if config.models_module is not None][-1]
    if sender is not last or using != store.alias() or not store.has_table(using):
        return
    keys.reload()
    if apps.stored_app_configs:  # a test case has taken apps away, and flushes its tables
        return
    if _has_pending_migrations(using):
        return
    refresh_inventory()
    reseal_at_first_start()


def before_first_request(**_: Any) -> None:
    """Do the same before the first request, once. Receiver of `request_started`."""
    request_started.disconnect(dispatch_uid="bt_security.before_first_request")
    if hasattr(mail, "outbox"):  # a test run: its transactions would undo the re-seal
        return
    try:
        if store.has_table(store.alias()):
            reseal_at_first_start()
    except Exception as error:  # noqa: BLE001 - nothing here may cost the site its first request
        keys.forget()
        # No traceback: error mails show its local variables.
        logger.error(
            "bt_security: the first start with TOKEN_ENCRYPTION_KEY was broken off (%s). Nothing "
            "was changed; the site goes on. Run `manage.py rotate_keys`.",
            type(error).__name__,
        )


def reseal_at_first_start() -> None:
    """Re-seal values of the database key in one transaction, unless there are too many.

    Never raises on a value that does not open: everything is rolled back, the site goes on
    with the database key, and the log says so.
    """
    try:
        keyring = keys.reload()
        if keyring.has_lost_state:
            logger.error("bt_security: %s.", keyring.refusal)
        if keyring.operator_key is None or keyring.refusal is not None:
            return
        if keyring.state is None:
            _reseal_if_few()
        elif keyring.state.phase == "migrating" and _is_small():
            finish_move(wait=False)
    except (BTSecurityError, ImproperlyConfigured) as error:
        keys.forget()
        logger.error(
            "bt_security: re-sealing under TOKEN_ENCRYPTION_KEY failed (%s: %s). Nothing was "
            "changed; the site goes on with the database key. Run `manage.py rotate_keys`.",
            type(error).__name__,
            error,
        )


def _reseal_if_few() -> None:
    most = conf.keys.auto_reseal_max_values
    found = count_database_key_values(limit=most + 1)
    if found > most:
        logger.warning(
            "bt_security: more than %d values are sealed under the database key. The site goes "
            "on with both keys: run `manage.py rotate_keys --online`.",
            most,
        )
        return
    report = Report()
    rotate_in_transactions(list(sealed_tables()), report)
    keys.reload()
    logger.info("bt_security: re-sealed %d values under TOKEN_ENCRYPTION_KEY", report.migrated)


def _is_small() -> bool:
    """Whether a scan of all sealed tables is cheap enough for the start of a process."""
    most = conf.keys.auto_reseal_max_values
    rows = 0
    for table in sealed_tables():
        everything = table.model._base_manager.using(table.alias).order_by()
        rows += len(everything.values_list("pk")[: most + 1 - rows])
        if rows > most:
            return False
    return True


def _has_pending_migrations(using: str) -> bool:
    executor = MigrationExecutor(connections[using])
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
