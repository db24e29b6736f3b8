// Topics against the contract's cases, and against Rust's on random JSON, both ways.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { type Shape, topic, TopicError } from "../src/index.js";
import { complete } from "../src/shape.js";
import { example, ROOT } from "./support/programs.js";
import { Random } from "./support/random.js";

const check = (params: unknown, expected: string): void => expect(topic("r", params)).toBe(`r:${expected}`);
const refuses = (params: unknown, reason: string): void => {
  expect(() => topic("r", params)).toThrow(TopicError);
  expect(() => topic("r", params)).toThrow(reason);
};

test("the cases of the contract", () => {
  const cases = JSON.parse(readFileSync(join(ROOT, "tests/contract/topics.json"), "utf8"));
  expect(cases.length).toBeGreaterThanOrEqual(14);
  for (const { name, route, params, topic: expected } of cases) expect(topic(route, params), name).toBe(expected);
});

test("keys are sorted by UTF-16 code unit, whatever they are called", () => {
  check({ "～": 1, "😀": 2 }, '{"😀":2,"～":1}');
  check(JSON.parse('{"10":1,"9":2,"a":3,"__proto__":4,"constructor":5}'), '{"10":1,"9":2,"__proto__":4,"a":3,"constructor":5}');
  check({ b: undefined, a: [undefined, null] }, '{"a":["",""]}');
});

test("what is sent and what is named are the same", () => {
  const params = { at: new Date(0), own: { toJSON: () => ({ b: 1, a: null }) } };
  check(params, '{"at":"1970-01-01T00:00:00.000Z","own":{"a":"","b":1}}');
  check(JSON.parse(JSON.stringify(params)), topic("r", params).slice(2));
});

test("every number is a double", () => {
  check([1.0, -0, 1e20, 1e21, 1e-6, 1e-7, 4.35, 5e-324, 1.7976931348623157e308, 2 ** 53], "[1,0,100000000000000000000,1e+21,0.000001,1e-7,4.35,5e-324,1.7976931348623157e+308,9007199254740992]");
  refuses({ a: [NaN] }, "params.a[0] is NaN; JSON has no NaN and no infinity");
  refuses({ a: -Infinity }, "params.a is -Infinity");
  refuses({ a: 1n }, "params.a is a bigint; only JSON values are allowed");
  refuses({ a: () => {} }, "params.a is a function");
});

test("lone surrogates and depth are refused", () => {
  refuses({ a: "x\ud800" }, "params.a has a lone surrogate");
  refuses({ "\udc00": 1 }, "params has a lone surrogate");
  check({ a: "\ud83d\ude00" }, '{"a":"😀"}');
  const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
  check(nested(100), "[".repeat(100) + "1" + "]".repeat(100));
  refuses(nested(101), "nested deeper than 100");
});

test("requests are completed with what was left out", () => {
  const shape: Shape = {
    members: {
      view: { default: { depth: 10 }, members: { depth: { default: 10 }, label: { default: null, nullable: true } } },
      symbols: { items: { nullable: true }, default: [] },
      ratio: { float: true },
      marks: { values: { members: { on: { default: true } } } },
      kind: {
        default: null,
        variants: [
          { when: { kind: "price", step: null }, members: { origin: { default: 0 } } },
          { when: { kind: "count" }, members: { levels: { default: 3 } } },
        ],
      },
    },
  };
  const whole = (params: unknown, expected: unknown): void => expect(complete(params, shape, "params")).toEqual(expected);
  const empty = { view: { depth: 10, label: null }, symbols: [], kind: null };
  whole({}, empty);
  const given = Object.freeze({ view: Object.freeze({ depth: 1 }) });
  whole(given, { ...empty, view: { depth: 1, label: null } });
  whole({ kind: { kind: "price", step: 1 } }, { ...empty, kind: { kind: "price", step: 1, origin: 0 } });
  whole({ kind: { kind: "count" } }, { ...empty, kind: { kind: "count", levels: 3 } });
  whole({ kind: { kind: "price" } }, { ...empty, kind: { kind: "price" } });
  whole({ marks: { a: {}, b: { on: false } } }, { ...empty, marks: { a: { on: true }, b: { on: false } } });
  whole({ symbols: ["A", null], more: 1 }, { ...empty, symbols: ["A", null], more: 1 });
  expect(() => complete({ symbols: ["A", ""] }, shape, "params")).toThrow('params.symbols[1] is optional and ""');
  expect(() => complete({ view: { label: "" } }, shape, "params")).toThrow('params.view.label is optional and ""');
  // As an f32 reads it and serde_json writes it.
  for (const [ratio, written] of [[0.1, 0.1], [0.123456789, 0.12345679], [16777217, 16777216], [1e-45, 1e-45], [3.4e38, 3.4e38]]) {
    whole({ ratio }, { ...empty, ratio: written });
  }
});

const CASES = 10_000;

test(`${CASES} random cases are the same in Rust`, () => {
  const random = new Random(Number(process.env["TOPIC_SEED"] ?? 20240808));
  const texts = Array.from({ length: CASES }, (_, at) => (at % 50 === 0 ? deep(random) : object(random, 5)));
  const input = texts.map((params) => `{"route":"r","params":${params}}`).join("\n");
  const { stdout, status } = spawnSync(example("topics"), { input, encoding: "utf8", maxBuffer: 1 << 30 });
  expect(status).toBe(0);
  const answers = stdout.trimEnd().split("\n").map((line) => JSON.parse(line) as { topic?: string; refused?: string });
  expect(answers.length).toBe(CASES);
  let refused = 0;
  for (const [at, text] of texts.entries()) {
    const ours = attempt(() => topic("r", JSON.parse(text)));
    expect(ours, text).toBe(answers[at]!.topic);
    if (ours === undefined) refused += 1;
    // The other way: what Rust wrote is its own canonical form here.
    else expect(topic("r", JSON.parse(ours.slice(2)))).toBe(ours);
  }
  // The random cases reach what is refused, and most of them what is not.
  expect(refused).toBeGreaterThan(CASES / 200);
  expect(refused).toBeLessThan(CASES / 3);
});

function attempt<T>(what: () => T): T | undefined {
  try {
    return what();
  } catch (error) {
    expect(error).toBeInstanceOf(TopicError);
    return undefined;
  }
}

/** JSON text, with every freedom that JSON leaves to a writer. */
function json(random: Random, depth: number): string {
  const kind = random.below(depth > 0 ? 8 : 5);
  const space = random.chance(0.1) ? " \t" : "";
  switch (kind) {
    case 0:
      return random.pick(["null", "true", "false"]);
    case 1:
    case 2:
      return number(random);
    case 3:
    case 4:
      return string(random);
    case 5:
      return `[${space}${Array.from({ length: random.below(5) }, () => json(random, depth - 1)).join(`,${space}`)}]`;
    default:
      return object(random, depth);
  }
}

function object(random: Random, depth: number): string {
  const members = new Map<string, string>();
  for (let count = random.below(6); count > 0; count -= 1) {
    const key = string(random);
    // Keys that are written differently may be the same key, and then readers differ.
    members.set(JSON.parse(key) as string, `${key}:${json(random, depth - 1)}`);
  }
  return `{${[...members.values()].join(",")}}`;
}

function deep(random: Random): string {
  const depth = 90 + random.below(20);
  const [open, close] = random.pick([["[", "]"], ['{"a":', "}"]] as const);
  return open.repeat(depth) + json(random, 0) + close.repeat(depth);
}

const BITS = new DataView(new ArrayBuffer(8));

function number(random: Random): string {
  switch (random.below(7)) {
    case 0:
      return String(random.below(2000) - 1000);
    case 1:
      return String((random.chance(0.5) ? 1 : -1) * (Number.MAX_SAFE_INTEGER - random.below(3)));
    case 2:
      return random.pick(["0", "-0", "0.0", "-0.0", "1.0", "1E3", "1e-7", "1e21", "123456789012345680000.0", "5e-324", "2.2250738585072014e-308", "1e400"]);
    case 3:
      return `${random.below(100)}.${random.below(1e6)}e${random.below(600) - 300}`;
    case 4:
      // At the ends of what is written without an exponent.
      return `${1 + random.below(9)}.${random.below(1e9)}e${random.pick([-8, -7, -6, 15, 16, 20, 21, 22])}`;
    default: {
      BITS.setUint32(0, random.next() * 2 ** 32);
      BITS.setUint32(4, random.next() * 2 ** 32);
      const value = BITS.getFloat64(0);
      const text = String(value);
      if (!Number.isFinite(value)) return "0.5";
      // A double here is a float there, never an integer that is too large.
      return /[.e]/.test(text) ? text : `${text}.0`;
    }
  }
}

const CHARACTERS = ["a", "b", "Z", "_", "0", "é", "€", "😀", "\u{10ffff}", "\ufffd", "\ue000", "ﬁ", "\u007f", "\u2028", "/"];
const ESCAPES = ["\\n", '\\"', "\\\\", "\\u0000", "\\u001f", "\\u20AC", "\\ud83d\\ude00", "\\/", "\\b", "\\u0061"];

function string(random: Random): string {
  const lone = random.chance(0.002) ? random.pick(["\\ud800", "\\ude00x", "\\ud83d\\ud83d"]) : "";
  const parts = Array.from({ length: random.below(5) }, () => random.pick(random.chance(0.3) ? ESCAPES : CHARACTERS));
  return `"${parts.join("")}${lone}"`;
}
