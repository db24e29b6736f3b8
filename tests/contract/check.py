#!/usr/bin/env python3
"""Checks keys.json and tables.json with an implementation of its own, from the standard library alone."""

import math
import pathlib
import sys
from decimal import Decimal

from table import Number, Table, canonical, crc, key_order, key_text, read

FOLDER = pathlib.Path(__file__).parent


def is_rounded(number):
    """Returns whether a double stands for another number than the text."""
    return math.isinf(number) or Decimal(number.text) != Decimal(repr(float(number)))


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
