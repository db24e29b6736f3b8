"""Rows, their keys and their checksums, as docs/protocol.md describes them."""

import json
import zlib
from decimal import Decimal


class Number(float):
    """A number that keeps the text it was written as."""

    def __new__(cls, text):
        number = super().__new__(cls, text)
        number.text = text
        return number


def read(text):
    """Reads JSON. Every number is a double, as in ECMAScript."""
    return json.loads(text, parse_int=Number, parse_float=Number)


def number_text(number):
    """Prints a double as ECMAScript's Number::toString does."""
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    # repr gives the shortest digits that read back, as ECMAScript asks; only their layout differs.
    _, digits, exponent = Decimal(repr(abs(float(number)))).normalize().as_tuple()
    digits = "".join(map(str, digits))
    point = len(digits) + exponent
    if len(digits) <= point <= 21:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{point - 1:+d}"


def utf16(text):
    return text.encode("utf-16-be")


def canonical(value):
    """Writes a value in the form of RFC 8785."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    members = (f"{canonical(name)}:{canonical(value[name])}" for name in sorted(value, key=utf16))
    return "{" + ",".join(members) + "}"


def crc(row):
    return zlib.crc32(canonical(row).encode())


def key_text(names, row):
    """Writes the key of a row as it is sent."""
    return "{" + ",".join(f"{canonical(name)}:{canonical(row[name])}" for name in names) + "}"


def key_order(names, row):
    """Returns what Python sorts keys by."""

    def part(value):
        if isinstance(value, bool):
            return (0, value)
        return (1, float(value)) if isinstance(value, float) else (2, utf16(value))

    return [part(row[name]) for name in names]


class Table:
    """What a client keeps of a table."""

    def __init__(self, names):
        self.names = names
        self.rows = {}

    def receive(self, kind, payload):
        """Applies a message. Returns whether the checksum, if there is one, is that of the rows."""
        if kind == "snapshot":
            self.rows = {}
        for row in payload.get("set", []):
            self.rows[key_text(self.names, row)] = row
        for key in payload.get("remove", []):
            self.rows.pop(key_text(self.names, key), None)
        return payload.get("checksum", self.checksum()) == self.checksum()

    def checksum(self):
        return sum(map(crc, self.rows.values())) % 2**32

    def in_order(self):
        return sorted(self.rows.values(), key=lambda row: key_order(self.names, row))
