#!/usr/bin/env node
// `topicast generate <url or file> -o api.ts [--check]`

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { parseArgs } from "node:util";

import { generate } from "./index.js";

const USAGE = `usage: topicast generate <url or file> -o <file> [--check] [--runtime <module>] [--header <header>]…

Writes a typed client for the channels, operations and pushes of an AsyncAPI 3.0 document.

  -o, --output   the module to write; - is the standard output
  --check        write nothing; fail if the module is out of date
  --runtime      the module to import the runtime from (default: topicast)
  --header       a header of the request for the document, such as "Authorization: Bearer …";
                  may be repeated
`;

/** The timeout for fetching a document, in milliseconds. */
const TIMEOUT = 30_000;

class UsageError extends Error {}

async function main(): Promise<void> {
  const { source, output, check, runtime, headers } = settings();
  if (source === undefined) {
    process.stdout.write(USAGE);
    return;
  }
  const text = generate(parse(await load(source, headers), source), { runtime });
  if (output === "-") process.stdout.write(text);
  else if (check) await compare(output, text, source);
  else {
    await mkdir(dirname(output), { recursive: true });
    await writeFile(output, text);
    console.log(`${output}: ${Buffer.byteLength(text)} bytes`);
  }
}

interface Settings {
  readonly source?: string;
  readonly output: string;
  readonly check: boolean;
  readonly runtime: string;
  readonly headers: Headers;
}

function settings(): Settings {
  const { values, positionals } = parsed();
  if (values.help) return { output: "-", check: false, runtime: "", headers: new Headers() };
  const [command, source, ...more] = positionals;
  if (command !== "generate") throw new UsageError(command ? `unknown command ${command}` : "no command is given");
  if (source === undefined) throw new UsageError("no document is named: give a URL or a file");
  if (more.length) throw new UsageError(`unknown argument ${more[0]}`);
  if (values.output === undefined) throw new UsageError("no output is named: give -o <file>, or -o - for the standard output");
  if (values.check && values.output === "-") throw new UsageError("--check needs a file to compare with");
  const headers = headersOf(values.header ?? []);
  if (values.header && !isUrl(source)) throw new UsageError("--header needs a URL: a file is read without a request");
  return { source, output: values.output, check: values.check ?? false, runtime: values.runtime ?? "topicast", headers };
}

/** The headers that are given as `Name: value`. A message never repeats a value, which may be secret. */
function headersOf(given: readonly string[]): Headers {
  const headers = new Headers();
  for (const [at, header] of given.entries()) {
    const which = given.length > 1 ? `--header number ${at + 1}` : "--header";
    const colon = header.indexOf(":");
    if (colon < 0) throw new UsageError(`${which} has no colon: give "Name: value"`);
    const name = header.slice(0, colon);
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) {
      throw new UsageError(`${which} has the name ${JSON.stringify(name)}: allowed are letters, digits and !#$%&'*+-.^_\`|~`);
    }
    const value = header.slice(colon + 1).trim();
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
      throw new UsageError(`the value of ${which} ${name} has a character that no header can have, such as a line break`);
    }
    headers.append(name, value);
  }
  return headers;
}

const isUrl = (source: string): boolean => /^https?:\/\//.test(source);

function parsed() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        output: { type: "string", short: "o" },
        check: { type: "boolean" },
        runtime: { type: "string" },
        header: { type: "string", multiple: true },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

async function load(source: string, headers: Headers): Promise<string> {
  try {
    if (!isUrl(source)) return await readFile(source, "utf8");
    // Headers may be secrets for one server, so they are not sent to the target of a redirect.
    const redirect = [...headers].length ? "manual" : "follow";
    const response = await fetch(source, { headers, redirect, signal: AbortSignal.timeout(TIMEOUT) });
    const location = response.headers.get("location");
    if (redirect === "manual" && location !== null) {
      throw new Error(`it redirects to ${location}, where --header is not sent; use that URL instead`);
    }
    if (!response.ok) throw new Error(`it answers ${response.status} ${response.statusText}`);
    return await response.text();
  } catch (error) {
    throw new Error(`cannot read ${source}: ${reason(error)}`);
  }
}

/** Returns the root cause of an error; a failed `fetch` has its reason only there. */
function reason(error: unknown): string {
  const { message, cause, code } = error as { message: string; cause?: unknown; code?: string };
  return cause === undefined ? message || String(code) : reason(cause);
}

function parse(text: string, source: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${source} is not JSON: ${(error as Error).message}`);
  }
}

async function compare(output: string, expected: string, source: string): Promise<void> {
  const found = await readFile(output, "utf8").catch((error: unknown) => {
    throw new Error(`cannot compare with ${output}: ${reason(error)}`);
  });
  if (found === expected) {
    console.log(`${output} is up to date`);
    return;
  }
  const [left, right] = [found.split("\n"), expected.split("\n")];
  const at = right.findIndex((line, at) => line !== left[at]);
  const number = at < 0 ? right.length : at;
  const show = (line: string | undefined): string => (line === undefined ? "the end of the file" : `\`${line.trim()}\``);
  throw new Error(
    `${output} is stale: line ${number + 1} is ${show(left[number])} and should be ${show(right[number])}\n` +
      `write it with \`topicast generate ${source} -o ${output}\``,
  );
}

main().catch((error: unknown) => {
  const usage = error instanceof UsageError;
  console.error(`topicast: ${error instanceof Error ? error.message : String(error)}${usage ? `\n\n${USAGE}` : ""}`);
  process.exitCode = usage ? 2 : 1;
});
