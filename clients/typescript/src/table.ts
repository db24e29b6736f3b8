// Tables: what their messages say, and whether the checksum agrees.

import { type Interpreter, type Kind, latest } from "./kind.js";
import { Rows } from "./rows.js";

/** A change of a table. An application that keeps the rows itself applies it to them. */
export interface TableChange<Row, Key> {
  /** The rows that were added or changed; each replaces the row of its key. */
  readonly set: readonly Row[];
  /** The keys of the rows that were removed. */
  readonly remove: readonly Key[];
  /** True if `set` has all rows of the table, so that all others are gone. */
  readonly snapshot: boolean;
}

/** Rows that are identified by some of their members; each update changes or removes some. */
export function table(key: readonly string[], hasChecksum = false): Kind {
  return { ...latest, interpreter: () => new Table(key, hasChecksum) };
}

/** The messages of one subscription to a table. */
class Table implements Interpreter {
  readonly #key: readonly string[];
  #isVerified: boolean;
  /** Whether the last checksum was wrong. */
  #wasWrong = false;

  constructor(key: readonly string[], hasChecksum: boolean) {
    this.#key = key;
    this.#isVerified = hasChecksum;
  }

  interpret(before: unknown, payload: any, snapshot: boolean, report: (fault: string) => void): [TableChange<any, any>, Rows] {
    const { set = [], remove = [], checksum } = payload;
    const base = (!snapshot && (before as Rows)) || new Rows(this.#key);
    const rows = base.changed(set, remove, this.#isVerified);
    if (this.#isVerified && checksum !== undefined) this.#verify(checksum, rows.checksum, report);
    return [{ set, remove, snapshot }, rows];
  }

  /** Compares a checksum with the rows. The second wrong one in a row is the last that is compared. */
  #verify(announced: number, found: number, report: (fault: string) => void): void {
    const wasWrong = this.#wasWrong;
    this.#wasWrong = announced !== found;
    if (!this.#wasWrong) return;
    const message = `the server announces the checksum ${announced}, and the rows have ${found}`;
    if (!wasWrong) throw new Error(message);
    this.#isVerified = false;
    report(`${message}, twice in a row; it is not verified any more`);
  }
}
