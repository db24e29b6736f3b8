// Small AsyncAPI documents, as topicast servers write them.

import type { Schema } from "../../src/generate/document.js";

export interface Parts {
  readonly schemas?: { readonly [name: string]: Schema };
  /** Requests, updates and the extension `x-topicast` by route. */
  readonly channels?: { readonly [route: string]: readonly [request: Schema, update: Schema, kind?: Schema | undefined] };
  /** Payloads, undefined where they are ignored, and replies, undefined where there is none. */
  readonly operations?: { readonly [type: string]: readonly [payload: Schema | undefined, reply: Schema | undefined] };
  readonly pushes?: { readonly [type: string]: Schema };
}

export const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });

export function asyncapi({ schemas = {}, channels = {}, operations = {}, pushes = {} }: Parts): any {
  const messages: Record<string, any> = {};
  const all: Record<string, Schema> = {};
  const groups: Record<string, Schema> = {};
  const message = (type: string, payload: Schema | undefined, key = type): Schema => {
    const properties = { type: { const: type }, payload: payload ?? { description: "Ignored; leave it out." } };
    messages[key] = { name: type, payload: { type: "object", required: ["type", ...(payload ? ["payload"] : [])], properties } };
    return { $ref: `#/components/messages/${key.replaceAll("~", "~0").replaceAll("/", "~1")}` };
  };
  const operation = (action: string, type: string, payload: Schema | undefined, replies?: readonly Schema[]): void => {
    all[type] = { action, channel: {}, messages: [message(type, payload)], ...(replies && { reply: { messages: replies } }) };
  };
  const refusal = { properties: { status: { const: "error" }, code: { enum: ["no", "never"] } } };
  for (const [route, [request, update, kind]] of Object.entries(channels)) {
    for (const verb of ["subscribe", "unsubscribe"]) {
      const type = `${route}.${verb}`;
      operation("receive", type, request, [message(`${type}.response`, {}), message(`${type}.response`, refusal, `${type}.response.error`)]);
    }
    operation("send", `${route}.update`, update);
    if (kind) messages[`${route}.update`]!["x-topicast"] = kind;
    operation("send", `${route}.unsubscribed`, {});
    groups[route] = { description: `About ${route}.`, messages: { [`${route}.subscribe`]: {} } };
  }
  for (const [type, [payload, reply]] of Object.entries(operations)) {
    const answers = reply && [message(`${type}.response`, reply), message(`${type}.response`, refusal, `${type}.response.error`)];
    operation("receive", type, payload, answers);
  }
  for (const [type, payload] of Object.entries(pushes)) operation("send", type, payload);
  return {
    asyncapi: "3.0.0",
    info: { title: "Small", version: "1" },
    channels: groups,
    operations: all,
    components: { messages, schemas },
  };
}
