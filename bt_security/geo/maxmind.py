"""Reads databases in MaxMind's format. This is the only module that imports `maxminddb`."""

from __future__ import annotations

import logging
import os
import stat
import struct
import threading
import time
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import maxminddb
from django.views.decorators.debug import sensitive_variables

from bt_security.conf import conf
from bt_security.exceptions import LocationUnavailable
from bt_security.geo.location import Location

logger = logging.getLogger("bt_security.geo")

LOOK_EVERY_SECONDS = 5.0
"""How often it is asked, at most, whether another file stands in the place of an open one."""

LANGUAGE = "en"

_DAMAGE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,  # that of the library is one, and so is too deep a recursion
    TypeError,
    ValueError,
    struct.error,
)
"""What the library raises for files that are damaged, cut short or something else."""

_Mark = tuple[int, int, int, int]


class MaxMindProvider:
    """Looks into a city database of this host, and into one of Internet providers if there is."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._lock = threading.Lock()
        self._city = Database(clock=clock)
        self._isp = Database(clock=clock)

    @sensitive_variables()
    def lookup(self, address: str) -> Location | None:
        """Return where an address is, None if the databases do not have it.

        Raises:
            LocationUnavailable: the city database cannot be read.
        """
        city_file, isp_file = conf.geo.maxmind_city_file, conf.geo.maxmind_isp_file
        with self._lock:
            place = self._city.record(city_file, address)
            network = self._network(isp_file, address) if isp_file else None
        try:
            found = _location(place, network)
        except ValueError as error:
            raise LocationUnavailable(str(error)) from None
        return None if found.is_empty() else found

    @sensitive_variables()
    def _network(self, file: str, address: str) -> Any:
        """Return the record of the network; a place without it is better than no place."""
        try:
            return self._isp.record(file, address)
        except LocationUnavailable as error:
            self._isp.warn_once("the names of Internet providers are not known", error)
            return None


class Database:
    """One open file. Whoever uses it sees to it that there is one thread at a time."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._path = ""
        self._mark: _Mark | None = None
        self._next_look = 0.0
        self._reader: maxminddb.Reader | None = None
        self._is_told = False

    def __del__(self) -> None:
        self._close()

    @sensitive_variables()
    def record(self, path: str, address: str) -> Any:
        """Return the record of an address, None if there is none.

        Raises:
            LocationUnavailable: there is no such file, or it is damaged.
        """
        self._follow(path)
        try:
            if self._reader is None:
                raise LocationUnavailable("the database file cannot be read")
            if ip_address(address).version > self._reader.metadata().ip_version:
                # 6 against 4: the file knows IPv4 alone.
                return None
            return self._reader.get(address)
        except _DAMAGE as error:
            raise LocationUnavailable(
                f"the database file is damaged ({type(error).__name__})"
            ) from None

    def warn_once(self, consequence: str, error: Exception) -> None:
        """Say what a file that cannot be used leads to, until one can be used again."""
        if not self._is_told:
            self._is_told = True
            logger.warning("A database of places cannot be used (%s): %s.", error, consequence)

    def _follow(self, path: str) -> None:
        """Open the file that stands at `path` now; one that is no good leaves the open one."""
        now = self._clock()
        if path != self._path:
            self._close()
            self._path = path
        elif now < self._next_look:
            return
        self._next_look = now + LOOK_EVERY_SECONDS
        try:
            mark = _mark(path)
            if mark == self._mark:
                return
            reader = _opened(path)
        except LocationUnavailable as error:
            if self._reader is not None:
                self.warn_once("the one before stays in use", error)
            return
        self._close()
        self._reader, self._mark, self._is_told = reader, mark, False

    def _close(self) -> None:
        if self._reader is not None:
            self._reader.close()
        self._reader, self._mark = None, None


def _mark(path: str) -> _Mark:
    """Return what differs when a file is another one than before."""
    try:
        found = os.stat(path)
    except (OSError, ValueError) as error:
        raise LocationUnavailable(type(error).__name__) from None
    if not stat.S_ISREG(found.st_mode):
        raise LocationUnavailable("no file")
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _opened(path: str) -> maxminddb.Reader:
    # Not mapped into memory: a file that somebody cuts short in its place would end the process.
    try:
        return maxminddb.open_database(path, maxminddb.MODE_FILE)
    except _DAMAGE as error:
        raise LocationUnavailable(type(error).__name__) from None


def _location(place: Any, network: Any) -> Location:
    point = _part(place, "location")
    traits = _part(place, "traits")
    regions = place.get("subdivisions") if isinstance(place, dict) else None
    return Location(
        city=_name(_part(place, "city")),
        region=_name(regions[0]) if isinstance(regions, list) and regions else "",
        country=_name(_part(place, "country")),
        isp=_isp(network) or _isp(traits),
        latitude=_number(point, "latitude"),
        longitude=_number(point, "longitude"),
    )


def _isp(record: Any) -> str:
    names = ("isp", "organization", "autonomous_system_organization", "as_name")
    return next((text for name in names if (text := _text(record, name))), "")


def _name(record: Any) -> str:
    return _text(_part(record, "names"), LANGUAGE)


def _part(record: Any, name: str) -> Any:
    return record.get(name) if isinstance(record, dict) else None


def _text(record: Any, name: str) -> str:
    found = _part(record, name)
    return found if isinstance(found, str) else ""


def _number(record: Any, name: str) -> float | None:
    found = _part(record, name)
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    return found if is_number else None
