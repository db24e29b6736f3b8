// The canonical topic in JavaScript, the other side of Rust's property test.
//
// Reads lines of `{"route", "params"}` and writes, for each, `{"topic"}` or `{"refused"}`
// with the reason. The rule is `docs/protocol.md`, "Topic": every null becomes "", then RFC 8785,
// which for JSON that JavaScript read is JSON.stringify with its keys in order.

import { pathToFileURL } from "node:url";

const MAX_DEPTH = 100;

/** The topic of a route and of params that are JSON text; throws where there is none. */
export function topicOf(route, params) {
  checkTokens(params);
  return `${route}:${canonical(JSON.parse(params))}`;
}

/** What JSON.parse would hide: integers that it rounds, and depth. */
function checkTokens(text) {
  let depth = 0;
  const token = /"(?:[^"\\]|\\.)*"|[[\]{}]|-?\d[\d.eE+-]*/gsu;
  for (const [found] of text.matchAll(token)) {
    if (found === "{" || found === "[") {
      depth += 1;
      if (depth > MAX_DEPTH) throw new Error(`arrays and objects are nested deeper than ${MAX_DEPTH}`);
    } else if (found === "}" || found === "]") {
      depth -= 1;
    } else if (/^-?\d+$/.test(found)) {
      const integer = BigInt(found);
      if (integer > Number.MAX_SAFE_INTEGER || integer < Number.MIN_SAFE_INTEGER) {
        throw new Error(`integer ${found} is outside ±${Number.MAX_SAFE_INTEGER}`);
      }
    }
  }
}

function canonical(value) {
  if (value === null) return '""';
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value === "object") {
    // Without a comparator, sort() compares UTF-16 code units, as RFC 8785 asks.
    const keys = Object.keys(value).sort();
    return `{${keys.map((key) => `${string(key)}:${canonical(value[key])}`).join(",")}}`;
  }
  if (typeof value === "string") return string(value);
  if (typeof value === "number" && !Number.isFinite(value)) throw new Error("a number is not finite");
  return JSON.stringify(value);
}

function string(text) {
  if (!text.isWellFormed()) throw new Error("a string has a lone surrogate");
  return JSON.stringify(text);
}

/** The text of the member `params` of a line, untouched. */
function paramsText(line) {
  // JSON.parse rounds integers, so the text is cut out rather than parsed and written again.
  let depth = 0;
  const token = /"(?:[^"\\]|\\.)*"|[[\]{}:,]/gsu;
  let isKey = true;
  let key;
  let start;
  for (const { 0: found, index } of line.matchAll(token)) {
    if (found === "{" || found === "[") depth += 1;
    if (depth === 1 && found.startsWith('"') && isKey) key = JSON.parse(found);
    if (depth === 1 && found === ":") {
      isKey = false;
      if (key === "params") start = index + 1;
    }
    if ((depth === 1 && found === ",") || (depth === 1 && found === "}")) {
      isKey = true;
      if (start !== undefined) return line.slice(start, index).trim();
    }
    if (found === "}" || found === "]") depth -= 1;
  }
  throw new Error("the line has no params");
}

function answer(line) {
  try {
    return { topic: topicOf(JSON.parse(line).route, paramsText(line)) };
  } catch (error) {
    return { refused: error.message };
  }
}

/** The lines of a stream; node:readline would also split at U+2028, which JSON strings may hold. */
async function* lines(stream) {
  let rest = "";
  for await (const chunk of stream.setEncoding("utf8")) {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop();
    yield* parts;
  }
  if (rest !== "") yield rest;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for await (const line of lines(process.stdin)) {
    process.stdout.write(`${JSON.stringify(answer(line))}\n`);
  }
}
