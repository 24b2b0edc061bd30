"""The plain field that an encrypted field is made of."""

from __future__ import annotations

from typing import Any

from django.db.models import Field

_OF_THE_SEALED_COLUMN = frozenset({"codec", "column_sealer", "from_db_value", "validators"})


def plain_twin(field: Any) -> Any:
    """Return `field` with its options as an object of its plain Django class."""
    kind = next(
        cls
        for cls in type(field).__mro__
        if issubclass(cls, Field) and not hasattr(cls, "is_sealed_column")
    )
    twin = kind.__new__(kind)
    options = {k: v for k, v in vars(field).items() if k not in _OF_THE_SEALED_COLUMN}
    twin.__dict__.update(options)
    return twin
