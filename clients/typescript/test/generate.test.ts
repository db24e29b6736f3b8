// The generator: what it makes of documents, and how it is called.

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import ts from "typescript";
import { afterEach, expect, test } from "vitest";

import { generate } from "../src/generate/index.js";
import type { Schema } from "../src/generate/document.js";
import { asyncapi, type Parts, ref } from "./support/documents.js";
import { Kit } from "./support/kit.js";
import { ROOT } from "./support/programs.js";

const CLI = fileURLToPath(new URL("../dist/generate/cli.js", import.meta.url));
const RUNTIME = fileURLToPath(new URL("../src/index.ts", import.meta.url));

const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "topicast-"));
  ends.push(() => rm(path, { recursive: true }));
  return path;
}

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(...args: string[]): Promise<Ended> {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [CLI, ...args]);
    return { code: 0, out: stdout, err: stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, out: stdout, err: stderr };
  }
}

/** What the compiler says of generated code and what is done with it. */
async function complaints(parts: Parts, use = ""): Promise<string[]> {
  const path = join(await folder(), "api.ts");
  await writeFile(path, generate(asyncapi(parts), { runtime: "topicast" }) + use);
  const program = ts.createProgram([path], {
    strict: true,
    noEmit: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noPropertyAccessFromIndexSignature: true,
    verbatimModuleSyntax: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ["lib.es2023.d.ts", "lib.esnext.disposable.d.ts", "lib.dom.d.ts"],
    types: [],
    paths: { topicast: [RUNTIME] },
    skipLibCheck: true,
  });
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
}

/** The type that a schema becomes. */
function typeOf(schema: Schema, schemas: { readonly [name: string]: Schema } = {}): string {
  const text = generate(asyncapi({ schemas: { ...schemas, It: schema }, pushes: { it: ref("It") } }));
  return /export (?:type It = |interface It )([^]*?);?\n\n/.exec(text)![1]!;
}

test("the committed modules are what their documents say", async () => {
  const kit = await Kit.start();
  ends.push(() => kit.kill());
  const own = fileURLToPath(new URL("kit/api.ts", import.meta.url));
  expect(await run("generate", kit.document, "-o", own, "--runtime", "../../src/index.js", "--check")).toMatchObject({ code: 0, err: "" });
  const kinds = fileURLToPath(new URL("kinds/", import.meta.url));
  const all = await run("generate", join(kinds, "asyncapi-3.json"), "-o", join(kinds, "api.ts"), "--runtime", "../../src/index.js", "--check");
  expect(all).toMatchObject({ code: 0, err: "" });
  const app = await run("generate", join(ROOT, "asyncapi/asyncapi-3.json"), "-o", join(ROOT, "app/web/src/api.ts"), "--check");
  expect(app).toMatchObject({ code: 0, err: "" });
});

test("it writes, and then the check holds until something changes", async () => {
  const path = await folder();
  const [document, output] = [join(path, "a.json"), join(path, "deep/er/api.ts")];
  await writeFile(document, JSON.stringify(asyncapi({ operations: { "a.b": [undefined, { type: "integer" }] } })));
  expect(await run("generate", document, "-o", output, "--check")).toMatchObject({ code: 1 });
  expect(await run("generate", document, "-o", output)).toMatchObject({ code: 0, out: expect.stringMatching(/api\.ts: \d+ bytes/) });
  expect(await run("generate", document, "--check", "-o", output)).toMatchObject({ code: 0, out: expect.stringContaining("is up to date") });
  await writeFile(output, (await readFile(output, "utf8")).replace("number", "string"));
  const { code, err } = await run("generate", document, "--check", "-o", output);
  expect(code).toBe(1);
  expect(err).toMatch(/is stale: line \d+ is `readonly b: topicast.Operation<void, string>;` and should be `readonly b: topicast.Operation<void, number>;`/);
  expect(err).toContain(`write it with \`topicast generate ${document} -o ${output}\``);
  const printed = await run("generate", document, "-o", "-");
  expect(printed.out).toContain("export function connect(");
});

test("what is wrong is said, with the usage where it is the call", async () => {
  const path = await folder();
  const write = async (text: string): Promise<string> => {
    await writeFile(join(path, "x.json"), text);
    return join(path, "x.json");
  };
  const check = async (args: string[], code: number, message: string): Promise<void> => {
    const ended = await run(...args);
    expect([ended.code, ended.err]).toEqual([code, expect.stringContaining(message)]);
    expect(ended.err.includes("usage:")).toBe(code === 2);
  };
  await check([], 2, "no command is given");
  await check(["make"], 2, "unknown command make");
  await check(["generate"], 2, "no document is named");
  await check(["generate", "a.json"], 2, "no output is named");
  await check(["generate", "a.json", "b.json", "-o", "-"], 2, "unknown argument b.json");
  await check(["generate", "a.json", "-o", "-", "--check"], 2, "--check needs a file");
  await check(["generate", "a.json", "--outptu", "b"], 2, "--outptu");
  await check(["generate", join(path, "none.json"), "-o", "-"], 1, "none.json");
  await check(["generate", path, "-o", "-"], 1, `cannot read ${path}: EISDIR`);
  await check(["generate", await write('{"asyncapi":"3.0.0"}'), "-o", join(path, "none.ts"), "--check"], 1, "cannot compare with");
  await check(["generate", await write("{"), "-o", "-"], 1, "x.json is not JSON");
  await check(["generate", await write("[]"), "-o", "-"], 1, "the document is no AsyncAPI document; AsyncAPI 3.0 is needed");
  await check(["generate", await write('{"asyncapi":"2.4.0"}'), "-o", "-"], 1, 'the document is AsyncAPI "2.4.0"; AsyncAPI 3.0 is needed');
  const kit = await Kit.start();
  ends.push(() => kit.kill());
  await check(["generate", `http://${kit.address}/nothing`, "-o", "-"], 1, `cannot read http://${kit.address}/nothing: it answers 404`);
  await kit.kill();
  await check(["generate", kit.document, "-o", "-"], 1, `cannot read ${kit.document}: connect ECONNREFUSED`);
  expect((await run("--help")).out).toContain("usage: topicast generate");
});

/** A server of one document that wants two headers; it keeps the headers of every request. */
async function guarded(): Promise<{ origin: string; seen: IncomingHttpHeaders[] }> {
  const seen: IncomingHttpHeaders[] = [];
  const server = createServer(({ url, headers }, response) => {
    seen.push(headers);
    if (url === "/moved") response.writeHead(302, { location: "http://127.0.0.1:9/elsewhere" }).end();
    else if (headers.authorization !== "Bearer s:e=cret" || headers["x-tenant"] !== "a") response.writeHead(401).end();
    else response.end(JSON.stringify(asyncapi({})));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ends.push(() => server.close());
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

test("a document behind authentication is read with the headers that are given", async () => {
  const { origin, seen } = await guarded();
  const headers = ["--header", "Authorization: Bearer s:e=cret", "--header", "x-tenant:a"];
  const read = await run("generate", `${origin}/asyncapi-3.json`, "-o", "-", ...headers);
  expect(read).toMatchObject({ code: 0, err: "" });
  expect(seen).toMatchObject([{ authorization: "Bearer s:e=cret", "x-tenant": "a" }]);
  const refused = await run("generate", `${origin}/asyncapi-3.json`, "-o", "-", "--header", "Authorization: Bearer s:e=cret");
  expect(refused).toMatchObject({ code: 1, err: expect.stringContaining("it answers 401 Unauthorized") });
  // What a redirection leads to is another server.
  const moved = await run("generate", `${origin}/moved`, "-o", "-", ...headers);
  expect(moved).toMatchObject({ code: 1, err: expect.stringContaining("it redirects to http://127.0.0.1:9/elsewhere") });
});

test("a bad header is refused without a request and without its value", async () => {
  const { origin, seen } = await guarded();
  const check = async (headers: string[], message: string, source = `${origin}/asyncapi-3.json`): Promise<void> => {
    const { code, err } = await run("generate", source, "-o", "-", ...headers.flatMap((header) => ["--header", header]));
    expect(err).toContain(message);
    expect(err).toContain("usage: topicast generate");
    expect(err).not.toContain("secret");
    expect(code).toBe(2);
  };
  await check(["Bearer secret"], '--header has no colon: give "Name: value"');
  await check(["A: b", ": secret"], '--header number 2 has the name "": allowed are letters, digits and');
  await check(["Auth orization: secret"], '--header has the name "Auth orization": allowed are');
  await check(["A: secret\r\nB: c"], "the value of --header A has a character that no header can have");
  await check(["A: secret…"], "the value of --header A has a character that no header can have");
  await check(["A: secret"], "--header needs a URL: a file is read without a request", "document.json");
  expect(seen).toEqual([]);
});

test("schemas become types", () => {
  expect(typeOf({ type: ["string", "null"] })).toBe("string | null");
  expect(typeOf({ enum: ["a", 1, null] })).toBe('"a" | 1 | null');
  expect(typeOf({ const: { a: [1] } })).toBe("{ readonly a: readonly [1] }");
  expect(typeOf({})).toBe("unknown");
  expect(typeOf({ type: "array", items: { type: "string" } })).toBe("readonly string[]");
  expect(typeOf({ type: "array", items: { type: "array", items: { type: "number" } } })).toBe("readonly (readonly number[])[]");
  expect(typeOf({ type: "array", items: [{ type: "number" }, { type: ["null", "string"] }] })).toBe("readonly [number, null | string]");
  expect(typeOf({ type: "array" })).toBe("readonly unknown[]");
  expect(typeOf({ type: "object", additionalProperties: { type: "boolean" } })).toBe("{ readonly [name: string]: boolean }");
  expect(typeOf({ type: "object", properties: { "a-b": true, c: {} }, required: ["c"] })).toBe(
    '{\n  readonly "a-b"?: unknown | undefined;\n  readonly c: unknown;\n}',
  );
  expect(typeOf({ anyOf: [ref("Other"), { type: "null" }] }, { Other: { type: "string" } })).toBe("Other | null");
  expect(typeOf({ allOf: [ref("Other"), { anyOf: [{ type: "string" }, { type: "null" }] }] }, { Other: { type: "string" } })).toBe(
    "Other & (string | null)",
  );
  expect(typeOf({ allOf: [ref("Other")], not: { required: ["params"] } }, { Other: { type: "string" } })).toBe("Other");
});

test("what other tools write in schemas becomes types", () => {
  expect(typeOf({ type: "string", nullable: true })).toBe("string | null");
  expect(typeOf({ type: "object", properties: { a: { type: "integer" } }, required: ["a"], additionalProperties: { type: "string" } })).toBe(
    "{\n  readonly a: number;\n  readonly [name: string]: string | number;\n}",
  );
  expect(typeOf({ type: "object", properties: { a: { type: "integer" } }, additionalProperties: false })).toBe(
    "{\n  readonly a?: number | undefined;\n}",
  );
  // References may lead anywhere in the document, and names may hold what pointers escape.
  const schemas = { "a/b~c": { type: "string" }, Inner: { properties: { deep: { type: "object", properties: { again: ref("Inner/properties/deep") } } } } };
  expect(typeOf({ anyOf: [ref("a~1b~0c"), ref("Inner/properties/deep")] }, schemas)).toBe("aBC | deep");
  const text = generate(asyncapi({ schemas, channels: { it: [ref("Inner/properties/deep"), ref("Inner/properties/deep/properties")] } }));
  expect(text).toContain("export interface deep {\n  readonly again?: deep | undefined;\n}");
});

test("a form of a request that is deprecated has no type", () => {
  const Flat = { type: "object", properties: { a: { type: "integer" } }, required: ["a"] };
  const Nested = { type: "object", deprecated: true, properties: { params: Flat }, required: ["params"] };
  const flat = { title: "Flat", allOf: [ref("Flat")], not: { required: ["params"] } };
  const request = { title: "Payload", anyOf: [flat, ref("Nested")] };
  const module = (request: Schema): string => generate(asyncapi({ schemas: { Flat, Nested }, channels: { it: [request, {}] } }));
  expect(module(request)).toBe(module(flat));
  expect(module(request)).toContain('topicast.Channel<Flat, unknown, "it">');
  expect(module(request)).not.toContain("Nested");
  // Where every form is, or none, there is nothing to choose.
  expect(module({ anyOf: [ref("Nested")] })).toContain("topicast.Channel<Nested,");
});

test("schemas without a type are rejected", () => {
  const check = (parts: Parts, message: string): void => expect(() => generate(asyncapi(parts))).toThrow(message);
  check({ pushes: { it: { $ref: "https://example.org/schema.json" } } }, "the reference https://example.org/schema.json does not lead into the document");
  check({ pushes: { it: ref("None") } }, "the reference #/components/schemas/None leads nowhere");
  check({ pushes: { it: ref("A") }, schemas: { A: ref("A") } }, "the schema A refers only to itself");
  check({ pushes: { it: ref("B") }, schemas: { A: { anyOf: [ref("B"), { type: "null" }] }, B: { allOf: [ref("A")] } } }, "the schema B refers only to itself");
  check({ operations: { $client: [{}, {}] } }, "the operation $client would be `api.$client`, which is the client: rename it");
  check({ channels: { "$client.on": [{}, {}] } }, "the channel $client.on would be `api.$client.on.subscribe`");
});

test("comments cannot end early, and descriptions become them", () => {
  const text = generate(asyncapi({ pushes: { it: ref("It") }, schemas: { It: { type: "string", description: "a */ b\n\nc", deprecated: true } } }));
  expect(text).toContain("/**\n * a *\\/ b\n *\n * c\n * @deprecated\n */\nexport type It = string;");
});

test("names that collide are distinguished or rejected", async () => {
  const schema = { type: "string" };
  expect(() => generate(asyncapi({ pushes: { "a.b": schema }, operations: { "a.b.on": [undefined, schema] } }))).toThrow(
    "the operation a.b.on and the push a.b would both be `api.a.b.on`: rename one of them",
  );
  expect(() => generate(asyncapi({ channels: { "a-b": [{}, {}], aB: [{}, {}] } }))).toThrow(/would both be `api\.aB\.subscribe`/);
  const schemas = { Api: schema, "Order-Output": schema, OrderOutput: schema, "1st": schema, Promise: schema, string: schema };
  const pushes = Object.fromEntries(Object.keys(schemas).map((name, at) => [`p${at}`, ref(name)]));
  expect(await complaints({ schemas, pushes })).toEqual([]);
});

test("whatever the document holds compiles, and its types hold", async () => {
  const parts = {
    schemas: {
      Tree: { type: "object", required: ["leaf"], properties: { leaf: { type: "string" }, inner: { anyOf: [ref("Tree"), { type: "null" }] } } },
      Open: { type: "object", required: ["a"], properties: { a: { type: "integer" } }, additionalProperties: { type: "string" } },
      Request: { type: "object", required: ["a"], properties: { a: { type: "string" }, tree: { ...ref("Tree") }, b: { type: "integer", default: 3 } } },
    },
    channels: { "order-book": [ref("Request"), ref("Tree")], constructor: [{ type: "object" }, { type: "number" }] },
    operations: {
      "a": [ref("Tree"), { type: "null" }],
      "a.b-c.d": [undefined, undefined],
      "a.name.length": [undefined, { type: "boolean" }],
      "toString": [undefined, ref("Tree")],
    },
    pushes: {
      "order-book": { type: "array", items: ref("Tree") },
      "delete": ref("Open"),
      "class.new": { type: "null" },
      "orders/placed.by user": { oneOf: [{ const: 1 }, { enum: ["x", null] }] },
      "1st.__proto__": { type: "string", nullable: true },
    },
  } as unknown as Parts;
  const use = (code: string): string => `\nexport async function use(api: Api): Promise<void> {\n${code}\n}\n`;
  expect(await complaints(parts, use(`
    const sub = api.orderBook.subscribe({ a: "x" });
    for await (const tree of sub) { const leaf: string = tree.leaf; void leaf; void tree.inner?.inner; }
    api.constructor.subscribe().on((value) => value.toFixed());
    const nothing: null = await api.a({ leaf: "x" });
    const done: void = await api.a.bC.d();
    const flag: boolean = await api.a.name.length(undefined, { timeout: 1 });
    api.orderBook.on((trees) => trees.map(({ leaf }) => leaf), { signal: AbortSignal.abort() });
    const all: AnySubscription[] = await api.$client.restore();
    for (const one of all) if (one.route === "order-book") one.current?.leaf.length;
    const code: RefusalCode = "never";
    const open: Open = { a: 1, b: "x" };
    api.delete.on(({ a, ...rest }) => a.toFixed() + String(rest["b"]));
    api.class.new.on((it: null) => it);
    api["orders/placed"]["by user"].on((it: 1 | "x" | null) => it);
    api["1st"].__proto__.on((it: string | null) => it);
    void open;
    void [nothing, done, flag, code];
  `))).toEqual([]);
  const wrong = async (code: string): Promise<string> => (await complaints(parts, use(code))).join("\n");
  expect(await wrong("api.orderBook.subscribe({});")).toContain("Property 'a' is missing");
  expect(await wrong("api.orderBook.subscribe();")).toContain("Expected 1-2 arguments");
  expect(await wrong('api.orderBook.subscribe({ a: "x", c: 1 });')).toContain("'c' does not exist");
  expect(await wrong('api.orderBook.subscribe({ a: "x", b: "3" });')).toContain("not assignable");
  expect(await wrong('await api.a({ leaf: 1 });')).toContain("Type 'number' is not assignable to type 'string'");
  expect(await wrong("await api.a();")).toContain("Expected 1-2 arguments");
  expect(await wrong('const code: RefusalCode = "other"; void code;')).toContain("not assignable");
});

const ROW: Schema = { type: "object", properties: { id: { type: "string" }, size: { type: "number" } }, required: ["id", "size"] };

function table(row: Schema, key: Schema): Schema {
  return { type: "object", properties: { set: { type: "array", items: row }, remove: { type: "array", items: key } } };
}

test("the extension says what kind a channel has; without one it has events", () => {
  const module = (kind?: Schema): string => generate(asyncapi({ channels: { it: [{ type: "object" }, { type: "string" }, kind] } }));
  expect(module({ kind: "events" })).toBe(module());
  expect(module({ kind: "events", more: 1 })).not.toContain("kinds");
  expect(module({ kind: "events", history: { age_ms: 5 } })).toContain('topicast.HistoryChannel<');
  expect(module({ kind: "events", history: { age_ms: 5 } })).toContain("kinds: { it: topicast.history },");
  expect(module({ kind: "latest" })).toMatch(/topicast\.LatestChannel<[^]+kinds: \{ it: topicast\.latest \},/);
  expect(() => module({ kind: "queue" })).toThrow('the channel of it.update has the kind "queue"; known are "events", "latest" and "table"');
  for (const key of [undefined, [], "id", [1]]) {
    expect(() => module({ kind: "table", key })).toThrow(`the table of it.update has the key ${JSON.stringify(key)}; a list of names is needed`);
  }
});

test("a table has the types of its rows and keys, wherever the document defines them", () => {
  const schemas = { Row: ROW, Key: { type: "object", properties: { id: { type: "string" } }, required: ["id"] }, Change: table(ref("Row"), ref("Key")) };
  const kind = { kind: "table", key: ["id"], checksum: true };
  for (const update of [ref("Change"), table(ref("Row"), ref("Key"))]) {
    const text = generate(asyncapi({ schemas, channels: { it: [{ type: "object" }, update, kind] } }));
    expect(text).toContain('readonly it: topicast.TableChannel<{ readonly [name: string]: unknown }, Row, Key, "it">;');
    expect(text).toContain('| topicast.TableSubscription<Row, Key, { readonly [name: string]: unknown }, "it">;');
    expect(text).toContain('kinds: { it: topicast.table(["id"], true) },');
    expect(text).not.toContain("Change");
  }
});

test("values, rows and keys of every kind are typed", async () => {
  const schemas = { Row: ROW, Key: { type: "object", properties: { id: { type: "string" } }, required: ["id"] } };
  const channels: Parts["channels"] = {
    book: [{ type: "object" }, table(ref("Row"), ref("Key")), { kind: "table", key: ["id"] }],
    quote: [{ type: "object" }, { type: "number" }, { kind: "latest" }],
    trade: [{ type: "object" }, { type: "string" }, { kind: "events", history: { count: 5 } }],
  };
  const use = `
    const api = connect("ws://x");
    const book = api.book.subscribe({}, { maxRate: 2 });
    const rows: readonly Row[] = book.rows();
    const row: Row | undefined = book.current?.get({ id: "a" });
    for await (const { set, remove, snapshot } of book) {
      const all: [readonly Row[], readonly Key[], boolean] = [set, remove, snapshot];
    }
    const quote: number | undefined = api.quote.subscribe({}, { maxRate: 2 }).current;
    const trade: string | undefined = api.trade.subscribe({}, { rewind: 2 }).current;
    const any = (await api.$client.restore()) as AnySubscription[];
    for (const sub of any) if (sub.route === "book") sub.rows()[0]?.size.toFixed();
    export {};
  `;
  expect(await complaints({ schemas, channels }, use)).toEqual([]);
  const wrong = await complaints({ schemas, channels }, `
    connect("").book.subscribe({}).current?.get({ nope: 1 });
    connect("").quote.subscribe({}, { rewind: 1 });
    connect("").trade.subscribe({}, { maxRate: 1 });
    const row: never = connect("").quote.subscribe({}).rows();
  `);
  expect(wrong).toEqual([expect.stringContaining("'nope'"), expect.stringContaining("'rewind'"), expect.stringContaining("'maxRate'")]);
});
