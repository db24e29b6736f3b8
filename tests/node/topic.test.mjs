// The reference topic builder itself: the other tests trust it.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { topicOf } from "./topic.mjs";

const check = (params, expected) => assert.equal(topicOf("r", params), `r:${expected}`);
const refuses = (params, reason) => assert.throws(() => topicOf("r", params), { message: reason });

test("keys are sorted by UTF-16 code unit at every level, null is empty", () => {
  check('{ "b": {"d":1,"c":[{"y":2,"x":null}]}, "a": true }', '{"a":true,"b":{"c":[{"x":"","y":2}],"d":1}}');
  check('{"b":1,"B":2,"a":3,"_":4}', '{"B":2,"_":4,"a":3,"b":1}');
  // U+1F600 begins with 0xD83D, which sorts before U+FF5E although the character is later.
  check('{"～":1,"😀":2}', '{"😀":2,"～":1}');
  // Members that look like array indices, which JavaScript objects keep first.
  check('{"10":1,"9":2,"a":3,"__proto__":4}', '{"10":1,"9":2,"__proto__":4,"a":3}');
});

test("numbers are written as ECMAScript writes them", () => {
  check("[1.0,-0.0,1e20,1e21,1e-6,1e-7,4.35,5e-324,1.7976931348623157e308]", "[1,0,100000000000000000000,1e+21,0.000001,1e-7,4.35,5e-324,1.7976931348623157e+308]");
  check("[9007199254740991,-9007199254740991,9007199254740993.0]", "[9007199254740991,-9007199254740991,9007199254740992]");
  refuses("[9007199254740992]", /outside/);
  refuses("[-9007199254740992]", /outside/);
  refuses("[1e400]", /not finite/);
});

test("strings have RFC 8785's escapes and no lone surrogates", () => {
  check('["\\u0041\\u00e9\\/\\u0001\\n\\u001f\\u007f\\u2028"]', '["Aé/\\u0001\\n\\u001f\u007f\u2028"]');
  check('["9007199254740992 [[["]', '["9007199254740992 [[["]');
  refuses('["\\ud800"]', /lone surrogate/);
  refuses('{"\\udc00":1}', /lone surrogate/);
});

test("a hundred levels are the limit", () => {
  const nested = (depth) => "[".repeat(depth) + "]".repeat(depth);
  check(nested(100), nested(100));
  refuses(nested(101), /deeper/);
});

test("one line in, one line out", () => {
  const lines = [
    '{"route":"bars","params":{"symbol":"AAPL","params":null}}',
    '{"params":{"a":9007199254740993,"route":"x"},"route":"r"}',
    '{"params": {"text":"},{:\u2028"}, "route":"r"}',
  ];
  const script = fileURLToPath(new URL("topic.mjs", import.meta.url));
  const { stdout, status } = spawnSync(process.execPath, [script], { input: `${lines.join("\n")}\n`, encoding: "utf8" });
  assert.equal(status, 0);
  const [first, second, third] = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(first, { topic: 'bars:{"params":"","symbol":"AAPL"}' });
  assert.match(second.refused, /9007199254740993 is outside/);
  assert.deepEqual(third, { topic: 'r:{"text":"},{:\u2028"}' });
});
