// The contract's cases of keys, tables and checksums.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { table } from "../src/index.js";
import { crc32 } from "../src/crc32.js";
import { Rows } from "../src/rows.js";
import { canonical } from "../src/topic.js";
import { ROOT } from "./support/programs.js";

const read = (name: string): any => JSON.parse(readFileSync(join(ROOT, "tests/contract", name), "utf8"));

const rows = (key: readonly string[], set: readonly object[]): Rows => new Rows(key).changed(set, [], false);

const KEYS = read("keys.json");
const TABLES = read("tables.json");

test.each(KEYS.written as any[])("the key as it is sent finds the row: $name", ({ key, row, text }) => {
  const parsed = JSON.parse(text);
  expect(Object.keys(parsed)).toEqual(expect.arrayContaining(key));
  expect(rows(key, [row]).get(parsed)).toBe(row);
  expect(rows(key, [row]).changed([], [parsed], false).size).toBe(0);
  const members = key.map((name: string) => `${JSON.stringify(name)}:${canonical(row[name], name, "null")}`);
  expect(`{${members.join()}}`).toBe(text);
});

test.each(KEYS.equal as any[])("rows of one key: $name", ({ key, rows: all }) => {
  expect(rows(key, all).list).toEqual([all.at(-1)]);
});

test.each(KEYS.ascending as any[])("keys in ascending order: $name", ({ key, rows: all }) => {
  expect(rows(key, all).list).toEqual(all);
  expect(rows(key, [...all].reverse()).list).toEqual(all);
});

// The others are refused because of their text, which a parser does not show.
const SHOWN = (KEYS.refused as any[]).filter(({ row, member }) => typeof row[member] !== "number");

test.each(SHOWN)("a row without a key is refused: $name", ({ key, row, member }) => {
  expect(() => rows(key, [row])).toThrow(`a key of the table has no valid ${member}`);
});

test("enough cases of refused keys are shown to a parser", () => expect(SHOWN.length).toBeGreaterThanOrEqual(4));

test.each(TABLES.tables as any[])("$name", ({ key, messages, rows: expected, checksum, mismatch }) => {
  const [verified, plain] = [table(key, true).interpreter!(), table(key).interpreter!()];
  let state: unknown;
  const faults: string[] = [];
  for (const [at, [type, payload]] of (messages as [string, any][]).entries()) {
    const isSnapshot = type === "snapshot";
    const interpret = (): unknown => verified.interpret(state, payload, isSnapshot, (fault) => faults.push(fault))[1];
    if (at === mismatch) expect(interpret).toThrow(`the server announces the checksum ${payload.checksum}`);
    // Where a checksum is wrong, the rows after it are those without verification.
    state = mismatch === undefined ? interpret() : plain.interpret(state, payload, isSnapshot, () => {})[1];
  }
  const { list } = state as Rows;
  const texts = list.map((row) => canonical(row, "row", "null"));
  expect(texts.map((text) => [text, crc32(text)])).toEqual(expected);
  expect(new Rows(key).changed(list, [], true).checksum).toBe(checksum);
  if (mismatch === undefined) expect((state as Rows).checksum).toBe(checksum);
  expect(faults).toEqual([]);
});
