"""System checks that look at the whole project: migrations, admin, fixtures, databases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.core import serializers
from django.core.checks import CheckMessage, Tags
from django.core.checks import register as register_check
from django.core.exceptions import ImproperlyConfigured
from django.db.migrations.loader import MigrationLoader

from bt_security.checks import finding
from bt_security.conf import conf
from bt_security.fields.admin_checks import check_admin
from bt_security.fields.blind_index import BlindIndexField, source_in
from bt_security.fields.guard import unguarded_columns
from bt_security.fields.serializers import SealsFixtures
from bt_security.keys.inventory import sealed_models


def check_contexts(**_: Any) -> list[CheckMessage]:
    """Report fields whose values are sealed for a former name (E027), and indexes (E031)."""
    models = [model for model, _ in sealed_models()]
    labels = {model._meta.app_label for model in models}
    loader = MigrationLoader(None, ignore_no_migrations=True) if labels else None
    if loader is None:
        return []
    migrated = labels & loader.migrated_apps
    leaves = [node for label in migrated for node in loader.graph.leaf_nodes(label)]
    state = loader.project_state(leaves, at_end=True) if leaves else None
    found: list[CheckMessage] = []
    for model in models:
        key = (model._meta.app_label, str(model._meta.model_name))
        if state is not None and key in state.models:
            recorded = state.models[key].fields
            found += [*_former_contexts(model, recorded), *_other_sources(model, recorded)]
    return found


def _former_contexts(model: Any, recorded: Any) -> Iterator[CheckMessage]:
    for field in model._meta.local_concrete_fields:
        if not getattr(field, "is_sealed_column", False):
            continue
        former = getattr(recorded.get(field.name), "recorded_context", None)
        if former and str(former) not in field.contexts:
            yield finding(
                "E027",
                f"{model._meta.label}.{field.name} was {former} in the migrations: values sealed "
                "before the rename would not open.",
                hint=f'Add previous_contexts=["{former}"] to the field and run makemigrations.',
            )


def _other_sources(model: Any, recorded: Any) -> Iterator[CheckMessage]:
    names = {field.name for field in model._meta.local_concrete_fields}
    for field in model._meta.local_concrete_fields:
        index = recorded.get(field.name)
        if not isinstance(field, BlindIndexField) or not isinstance(index, BlindIndexField):
            continue
        source = source_in(index, recorded)
        # A source that the model no longer has was renamed: makemigrations comes to that.
        if source != field.source and source in names:
            yield finding(
                "E031",
                f"{model._meta.label}.{field.name} has source={field.source!r}, and {source!r} in "
                "the migrations, where makemigrations sees no difference.",
                hint="Give the index of another field another name; after a rename, write an "
                "AlterField of the index by hand.",
            )


def check_foreign_columns(**_: Any) -> list[CheckMessage]:
    """Report foreign formats of columns that do not exist or are not encrypted (E030)."""
    try:
        named = sorted(conf.keys.foreign_formats)
    except ImproperlyConfigured:
        return []  # E001 speaks of it
    known = {
        f"{model._meta.label}.{field.name}" for model, fields in sealed_models() for field in fields
    }
    known |= {label.lower() for label in known}
    return [
        finding(
            "E030",
            f"BT_SECURITY_KEYS_FOREIGN_FORMATS names {label!r}, which is not an encrypted field.",
            hint="Write it as `app_label.Model.field`.",
        )
        for label in named
        if label not in known
    ]


def check_fixture_formats(**_: Any) -> list[CheckMessage]:
    """Report serializers of the host that would write plaintext (W021)."""
    if next(sealed_models(), None) is None:
        return []
    return [
        finding(
            "W021",
            f"Fixtures of the format {name!r} would hold numbers, dates and natural keys of "
            "encrypted fields in plaintext.",
            hint="Derive its Serializer from bt_security.fields.serializers.SealedSerializer and "
            "its Deserializer from SealedDeserializer, or take the format out of "
            "SERIALIZATION_MODULES.",
        )
        for name in _host_formats()
    ]


def _host_formats() -> Iterator[str]:
    """Yield formats whose serializer is not ours; loads serializers only where the host has any."""
    chosen = getattr(settings, "SERIALIZATION_MODULES", {})
    loaded = serializers._serializers  # type: ignore[attr-defined]
    for name in sorted({*chosen, *loaded}):
        if name not in serializers.get_serializer_formats():
            continue
        kind = serializers.get_serializer(name)
        if isinstance(kind, type) and not issubclass(kind, SealsFixtures):
            yield name


def check_guards(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Report columns in the database that would take plaintext (W023)."""
    return [
        finding(
            "W023",
            f"{name} has no CHECK on database {alias!r}: raw SQL could store plaintext in it.",
            hint="Add bt_security.operations.GuardSealedColumn to a migration.",
        )
        for alias in databases or ()
        for name in unguarded_columns(alias)
    ]


MODEL_CHECKS = (
    check_contexts,
    check_foreign_columns,
    check_fixture_formats,
    check_admin,
)


def register() -> None:
    """Register the checks; twice is harmless."""
    for check in MODEL_CHECKS:
        register_check(check, "bt_security", Tags.security)
    register_check(check_guards, "bt_security", Tags.database)
