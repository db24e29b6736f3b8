// The rows of a table, in key order.

import { crc32 } from "./crc32.js";
import { canonical } from "./topic.js";

/** The rows of a table at one moment; a change makes new rows of it. Iterates in key order. */
export class Rows<Row = any, Key = any> implements Iterable<Row> {
  /** The rows in key order: numbers numerically, false before true, texts by UTF-16 code unit. */
  readonly list: readonly Row[];
  readonly #key: readonly string[];
  /** The CRC-32 of each row; empty if they are not verified. */
  readonly #crcs: readonly number[];
  /** The sum of the CRC-32 of the rows, modulo 2^32. @internal */
  readonly checksum: number;

  /** @internal */
  constructor(key: readonly string[], list: readonly Row[] = [], crcs: readonly number[] = [], checksum = 0) {
    this.#key = key;
    this.list = list;
    this.#crcs = crcs;
    this.checksum = checksum;
  }

  get size(): number {
    return this.list.length;
  }

  get(key: Key): Row | undefined {
    return this.list[find(this.list, this.#key, key)];
  }

  has(key: Key): boolean {
    return this.get(key) !== undefined;
  }

  [Symbol.iterator](): Iterator<Row> {
    return this.list[Symbol.iterator]();
  }

  /**
   * Returns the rows after a change, with a checksum if they are verified.
   *
   * @throws if a row or a key has no valid key, or a row to verify is not well-formed
   * @internal
   */
  changed(set: readonly Row[], remove: readonly Key[], isVerified: boolean): Rows<Row, Key> {
    const [list, crcs] = [this.list.slice(), this.#crcs.slice()];
    let checksum = this.checksum;
    const put = (key: unknown, ...row: Row[]): void => {
      const at = find(list, this.#key, key);
      const known = at < 0 ? 0 : 1;
      const crc = row.map((row) => (isVerified ? crc32(canonical(row, "row", "null")) : 0));
      list.splice(known ? at : ~at, known, ...row);
      const [before = 0] = crcs.splice(known ? at : ~at, known, ...crc);
      checksum = (checksum - before + (crc[0] ?? 0)) >>> 0;
    };
    for (const key of remove) put(key);
    for (const row of set) put(row, row);
    return new Rows(this.#key, list, crcs, checksum);
  }
}

/** Returns the index of the row with a key, or the complement of the index where it belongs. */
function find(list: readonly any[], names: readonly string[], key: any): number {
  for (const name of names) {
    if (!/string|number|boolean/.test(typeof key[name])) throw new TypeError(`a key of the table has no valid ${name}`);
  }
  let [from, to] = [0, list.length];
  while (from < to) {
    const at = (from + to) >> 1;
    const name = names.find((name) => list[at][name] !== key[name]);
    if (name === undefined) return at;
    if (list[at][name] < key[name]) from = at + 1;
    else to = at;
  }
  return ~from;
}
