// Reads the channels, operations and pushes of an AsyncAPI 3.0 document.

import { Named, resolve } from "./reference.js";

/** A JSON Schema. */
export interface Schema {
  readonly [keyword: string]: any;
}

/** The kind of a channel, as the extension `x-topicast` describes it. */
export type KindModel =
  | { readonly name: "history" | "latest" }
  | { readonly name: "table"; readonly key: readonly string[]; readonly hasChecksum: boolean };

export interface ChannelModel {
  readonly route: string;
  readonly description: string;
  readonly request: Schema;
  /** Undefined for events without history. */
  readonly kind: KindModel | undefined;
  /** The schemas of updates and snapshots, or of the rows of a table. */
  readonly values: readonly Schema[];
  /** The schema of the keys of a table. */
  readonly key: Schema | undefined;
}

export interface OperationModel {
  readonly type: string;
  readonly description: string;
  /** Undefined if the operation has no payload. */
  readonly payload: Schema | undefined;
  /** The schemas of replies other than refusals; undefined if the operation has no reply. */
  readonly replies: readonly Schema[] | undefined;
}

export interface PushModel {
  readonly type: string;
  readonly description: string;
  readonly payload: Schema;
}

export interface Model {
  readonly title: string;
  readonly version: string;
  readonly channels: readonly ChannelModel[];
  readonly operations: readonly OperationModel[];
  readonly pushes: readonly PushModel[];
  /** The codes of refusals. */
  readonly codes: readonly string[];
  readonly schemas: { readonly [name: string]: Schema };
}

/** A message of the document: its `type` on the wire, and the schema of its payload. */
interface Frame {
  readonly type: string;
  readonly payload: Schema | undefined;
  /** The extension `x-topicast`, which describes the kind of a channel. */
  readonly extension: any;
}

interface Operation {
  readonly frame: Frame;
  readonly replies: readonly Frame[] | undefined;
  readonly description: string;
}

/** Reads a document. */
export function read(document: any): Model {
  const version: unknown = document?.asyncapi;
  if (typeof version !== "string" || !version.startsWith("3.")) {
    const found = version === undefined ? "is no AsyncAPI document" : `is AsyncAPI ${JSON.stringify(version)}`;
    throw new Error(`the document ${found}; AsyncAPI 3.0 is needed (a topicast server has it at …/asyncapi-3.json)`);
  }
  const find = (value: any): any => resolve(document, value);
  const named = new Named(document);
  const received = new Map<string, Operation>();
  const sent = new Map<string, Operation>();
  for (const [key, operation] of Object.entries<any>(document.operations ?? {})) {
    const { action, channel, messages, reply, description, summary } = find(operation);
    const carried = messages ?? Object.values(find(channel)?.messages ?? {});
    const frames: Frame[] = carried.map((message: any) => frame(document, find(message), key));
    const replies = reply && (find(reply).messages ?? []).map((message: any) => frame(document, find(message), key));
    for (const one of frames) {
      const found = { frame: one, replies, description: description ?? summary ?? "" };
      (action === "receive" ? received : sent).set(one.type, found);
    }
  }
  const codes = new Set<string>();
  for (const { replies } of received.values()) {
    for (const { payload } of replies ?? []) for (const code of refusalCodes(document, payload)) codes.add(code);
  }
  const channels: ChannelModel[] = [];
  for (const [type, { frame }] of received) {
    const route = /^(.+)\.subscribe$/.exec(type)?.[1];
    const update = route !== undefined && received.has(`${route}.unsubscribe`) && sent.get(`${route}.update`);
    if (!update) continue;
    const described = find(Object.values<any>(document.channels ?? {}).find((channel) => type in (channel.messages ?? {})));
    const kind = kindOf(update.frame.extension, `${route}.update`);
    const payloads = [update, sent.get(`${route}.snapshot`)].map((it) => it?.frame.payload).filter((it) => it !== undefined);
    const { set, remove } = find(update.frame.payload)?.properties ?? {};
    const isTable = kind?.name === "table";
    channels.push({
      route,
      description: described?.description ?? "",
      request: named.of(current(document, frame.payload ?? {})),
      kind,
      values: named.of(isTable ? [find(set)?.items ?? {}] : payloads),
      key: isTable ? named.of(find(remove)?.items ?? {}) : undefined,
    });
  }
  const ofChannels = (type: string): boolean =>
    channels.some(({ route }) => /^(un)?subscribe$|^(update|snapshot|unsubscribed)$/.test(after(type, route)));
  const operations = [...received.values()]
    .filter(({ frame: { type } }) => !ofChannels(type))
    .map(({ frame: { type, payload }, replies, description }) => ({
      type,
      description,
      payload: named.of(payload),
      replies: named.of(
        replies?.map((reply) => reply.payload).filter((schema) => schema !== undefined && !isRefusal(document, schema)),
      ),
    }));
  const pushes = [...sent.values()]
    .filter(({ frame: { type, payload } }) => !ofChannels(type) && !(type === "error" && isRefusal(document, payload)))
    .map(({ frame: { type, payload }, description }) => ({ type, description, payload: named.of(payload ?? {}) }));
  return {
    title: String(document.info?.title ?? "an AsyncAPI document"),
    version: String(document.info?.version ?? ""),
    channels,
    operations,
    pushes,
    codes: [...codes],
    schemas: named.schemas,
  };
}

function frame(document: any, message: any, key: string): Frame {
  const whole = resolve(document, message.payload?.schema ?? message.payload ?? {});
  const { const: constant, enum: listed = [] } = resolve(document, whole.properties?.type) ?? {};
  const type: unknown = constant ?? (listed.length === 1 ? listed[0] : message.name);
  if (typeof type !== "string") throw new Error(`a message of the operation ${key} has neither a constant type nor a name`);
  const payload: Schema | undefined = whole.properties?.payload;
  const says = Object.keys(payload ?? {}).some((keyword) => keyword !== "description");
  return {
    type,
    payload: says || whole.required?.includes("payload") ? payload : undefined,
    extension: resolve(document, message["x-topicast"]),
  };
}

/** Reads the extension `x-topicast` of an update. */
function kindOf(extension: any, type: string): KindModel | undefined {
  const { kind = "events", history, key, checksum } = extension ?? {};
  switch (kind) {
    case "events":
      return history ? { name: "history" } : undefined;
    case "latest":
      return { name: kind };
    case "table":
      if (!Array.isArray(key) || !key.length || key.some((name) => typeof name !== "string")) {
        throw new Error(`the table of ${type} has the key ${JSON.stringify(key)}; a list of names is needed`);
      }
      return { name: kind, key, hasChecksum: checksum === true };
    default:
      throw new Error(`the channel of ${type} has the kind ${JSON.stringify(kind)}; known are "events", "latest" and "table"`);
  }
}

/** Returns the schema of a request without its deprecated forms. */
function current(document: any, schema: Schema): Schema {
  const { anyOf, ...rest } = schema;
  const forms = anyOf?.filter((form: Schema) => resolve(document, form).deprecated !== true);
  if (!forms?.length || forms.length === anyOf.length) return schema;
  return forms.length === 1 ? forms[0] : { ...rest, anyOf: forms };
}

function after(type: string, route: string): string {
  return type.startsWith(`${route}.`) ? type.slice(route.length + 1) : "";
}

function isRefusal(document: any, schema: Schema | undefined): boolean {
  const properties = resolve(document, schema)?.properties;
  return properties?.status?.const === "error" && properties.code !== undefined;
}

function refusalCodes(document: any, schema: Schema | undefined): string[] {
  return isRefusal(document, schema) ? (resolve(document, schema).properties.code.enum ?? []) : [];
}
