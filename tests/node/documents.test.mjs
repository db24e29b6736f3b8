// Holds the committed AsyncAPI documents against the standard: its parser finds nothing to
// say and its official schema accepts them.
//
// The files are asyncapi/asyncapi.json (2.4.0) and asyncapi/asyncapi-3.json (3.0.0) at the
// root of the repository, or those that ASYNCAPI_FILES names, separated by colons.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { test } from "node:test";

import { Parser } from "@asyncapi/parser";
import Ajv from "ajv";
import addFormats from "ajv-formats";

const require = createRequire(import.meta.url);

const files = process.env.ASYNCAPI_FILES?.split(":") ?? [
  new URL("../../asyncapi/asyncapi.json", import.meta.url),
  new URL("../../asyncapi/asyncapi-3.json", import.meta.url),
];

const INFORMATION = 2;

// One rule says that a newer version of the standard exists; that is no fault of a document
// which is to be of this version.
const isAboutTheVersion = ({ code, severity }) => code === "asyncapi-latest-version" && severity >= INFORMATION;

for (const file of files) {
  const text = await readFile(file, "utf8");
  const version = JSON.parse(text).asyncapi;

  test(`${version}: the parser has no remark`, async () => {
    const { document, diagnostics } = await new Parser().parse(text);
    const remarks = diagnostics.filter((diagnostic) => !isAboutTheVersion(diagnostic));
    assert.deepEqual(remarks, []);
    assert.ok(document.messages().length > 5, "the parser sees the messages");
  });

  test(`${version}: no object and no enumeration is anonymous to a code generator`, async () => {
    const { document } = await new Parser().parse(text);
    const types = document.allSchemas().all().filter((schema) => schema.type() === "object" || schema.enum()?.length > 1);
    assert.ok(types.length > 10, "the parser sees the types");
    const anonymous = types.filter((schema) => schema.id().startsWith("<anonymous") && !schema.title());
    assert.deepEqual(anonymous.map((schema) => schema.json()), []);
  });

  test(`${version}: no message holds another one`, () => {
    const { messages } = JSON.parse(text).components;
    for (const [key, message] of Object.entries(messages)) {
      assert.ok(!JSON.stringify(message).includes("#/components/messages/"), `${key} refers to a message`);
      for (const reply of message["x-response"] ?? []) assert.ok(messages[reply], `${key} is answered by an unknown ${reply}`);
    }
  });

  const ajv = addFormats(new Ajv({ strict: false, allErrors: true, logger: false }));

  test(`${version}: the official schema accepts it`, () => {
    const validate = ajv.compile(require(`@asyncapi/specs/schemas/${version}-without-$id.json`));
    assert.ok(validate(JSON.parse(text)), JSON.stringify(validate.errors, null, 2));
    assert.ok(!validate({ ...JSON.parse(text), info: {} }), "the schema can refuse");
  });

  test(`${version}: every example is what its message allows`, () => {
    const { components } = JSON.parse(text);
    for (const [key, message] of Object.entries(components.messages)) {
      const validate = ajv.compile({ allOf: [message.payload], components });
      assert.ok(message.examples?.length > 0, `${key} has no example`);
      for (const { payload } of message.examples) {
        assert.ok(validate(payload), `${key}: ${JSON.stringify(validate.errors, null, 2)}`);
        assert.ok(!validate({ ...payload, type: "something.else" }), `${key} does not tell its type`);
      }
    }
  });

  test(`${version}: the parser can object`, async () => {
    const broken = JSON.parse(text);
    delete broken.info.version;
    const { diagnostics } = await new Parser().parse(JSON.stringify(broken));
    assert.ok(diagnostics.some(({ severity }) => severity === 0));
  });
}
