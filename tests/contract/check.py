#!/usr/bin/env python3
"""Checks keys.json and tables.json with an implementation of its own, from the standard library alone."""

import json
import math
import pathlib
import sys
import zlib
from decimal import Decimal

FOLDER = pathlib.Path(__file__).parent


class Number(float):
    """A number that keeps the text it was written as."""

    def __new__(cls, text):
        number = super().__new__(cls, text)
        number.text = text
        return number


def read(text):
    """Reads JSON. Every number is a double, as in ECMAScript."""
    return json.loads(text, parse_int=Number, parse_float=Number)


def is_rounded(number):
    """Returns whether a double stands for another number than the text."""
    return math.isinf(number) or Decimal(number.text) != Decimal(repr(float(number)))


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


def refused_in_key(names, row):
    """Returns the first member that cannot be part of a key."""
    for name in names:
        value = row.get(name)
        if not isinstance(value, (bool, float, str)) or (isinstance(value, Number) and is_rounded(value)):
            return name
    return None


def refused_in_row(value, path=""):
    """Returns the path of a number that a double rounds."""
    if isinstance(value, Number):
        return path if is_rounded(value) else None
    if isinstance(value, dict):
        parts = ((f"{path}.{name}" if path else name, item) for name, item in value.items())
    elif isinstance(value, list):
        parts = ((f"{path}[{at}]", item) for at, item in enumerate(value))
    else:
        parts = ()
    return next((found for found in (refused_in_row(item, name) for name, item in parts) if found), None)


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


def check_keys(cases):
    for case in cases["written"]:
        yield case["name"], key_text(case["key"], case["row"]), case["text"]
        yield case["name"], refused_in_key(case["key"], case["row"]), None
    for case in cases["equal"]:
        texts = {key_text(case["key"], row) for row in case["rows"]}
        yield case["name"], len(texts), 1
    for case in cases["ascending"]:
        orders = [key_order(case["key"], row) for row in case["rows"]]
        yield case["name"], all(one < other for one, other in zip(orders, orders[1:])), True
    for case in cases["refused"]:
        yield case["name"], refused_in_key(case["key"], case["row"]), case["member"]


def check_tables(cases):
    for case in cases["tables"]:
        table = Table(case["key"])
        for at, (kind, payload) in enumerate(case["messages"]):
            yield f"{case['name']}, message {at}", table.receive(kind, payload), at != case.get("mismatch")
        rows = table.in_order()
        yield case["name"], [[canonical(row), crc(row)] for row in rows], case["rows"]
        yield case["name"], table.checksum(), case["checksum"]
        yield case["name"], next(filter(None, map(refused_in_row, rows)), None), None
    for case in cases["refused"]:
        yield case["name"], refused_in_row(case["row"]), case["member"]


def main():
    count, failures = 0, []
    for file, check in [("keys.json", check_keys), ("tables.json", check_tables)]:
        for name, found, expected in check(read((FOLDER / file).read_text(encoding="utf-8"))):
            count += 1
            if found != expected:
                failures.append(f"{file}, {name}: {found!r} instead of {expected!r}")
    if failures or not count:
        print(f"{len(failures)} of {count} cases failed:", *failures, sep="\n  ")
        return 1
    print(f"{count} cases passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
