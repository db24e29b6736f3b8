// The reference: channels, their operations and messages, and the schemas.

import { example, h, markdown } from "./dom.js";
import { describeKind, kindOf } from "./kind.js";
import { constraints, tree, typeOf, values } from "./schema.js";

const key = (reference) => decodeURIComponent(reference.$ref.split("/").at(-1));

/** The operations of a document by channel, with the messages that belong to each. */
export function readDocument(document) {
  const { messages, schemas } = document.components;
  const channels = Object.entries(document.channels).map(([name, channel]) => ({ name, ...channel, operations: [] }));
  for (const [name, operation] of Object.entries(document.operations)) {
    const channel = channels.find((channel) => channel.name === key(operation.channel));
    channel.operations.push({
      key: name,
      isRequest: operation.action === "receive",
      summary: operation.summary,
      description: operation.description,
      message: messages[key(operation.messages[0])],
      replies: (operation.reply?.messages ?? []).map((reply) => messages[key(reply)]),
    });
  }
  for (const channel of channels) channel.kind = kindOf(channel);
  return { info: document.info, channels, schemas };
}

/** Fills the table of contents and the reference. `tryOut` is called with the key of an operation. */
export function showReference(model, contents, reference, tryOut) {
  contents.replaceChildren(...contentsOf(model));
  reference.replaceChildren(
    overview(model),
    ...model.channels.map((channel) => channelSection(model, channel, tryOut)),
    schemaSection(model),
  );
}

function contentsOf({ channels, schemas }) {
  const link = (href, text, kind) => h("li", {}, h("a", { href, class: kind }, text));
  const lists = channels.map((channel) => [
    h("a", { class: "contents-head", href: `#channel-${channel.name}` }, channel.title ?? channel.name),
    h("ul", {}, channel.operations.map(({ key, isRequest }) => link(`#operation-${key}`, key, isRequest ? "to-server" : "from-server"))),
  ]);
  const names = Object.keys(schemas);
  const list = h("ul", {}, names.map((name) => link(`#schema-${name}`, name)));
  return [
    h("details", { class: "contents-fold", open: matchMedia("(min-width: 70rem)").matches },
      h("summary", {}, "Contents"),
      lists,
      names.length > 0 && [h("a", { class: "contents-head", href: "#schemas" }, "Schemas"), list],
    ),
  ];
}

function overview({ info }) {
  const { contact, license } = info;
  const contactLink = contact?.url ?? (contact?.email ? `mailto:${contact.email}` : undefined);
  return h("section", { class: "overview" },
    markdown(info.description),
    h("dl", { class: "facts" },
      contact && fact("Contact", contactLink ? h("a", { href: contactLink }, contact.name ?? contactLink) : contact.name),
      license && fact("Licence", license.url ? h("a", { href: license.url }, license.name) : license.name),
    ),
  );
}

const fact = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));

function channelSection(model, channel, tryOut) {
  const isRoute = channel.operations.some(({ key }) => key === `${channel.name}.subscribe`);
  return h("section", { class: "channel", id: `channel-${channel.name}`, "aria-labelledby": `title-${channel.name}` },
    h("h2", { id: `title-${channel.name}` }, channel.title ?? channel.name,
      isRoute && [" ", h("code", { class: "route" }, channel.name)],
      channel.kind && [" ", h("span", { class: "tag kind" }, describeKind(channel.kind))],
      (channel.tags ?? []).map(({ name }) => [" ", h("span", { class: "tag" }, name)])),
    channel.summary && h("p", { class: "lead" }, channel.summary),
    channel.description !== channel.summary && markdown(channel.description),
    channel.operations.map((operation) => operationCard(model, operation, tryOut)),
  );
}

function operationCard(model, operation, tryOut) {
  const { key, isRequest, message, replies } = operation;
  return h("details", { class: `card ${isRequest ? "to-server" : "from-server"}`, id: `operation-${key}` },
    h("summary", {},
      h("span", { class: "direction" }, isRequest ? "to server" : "from server"),
      h("code", { class: "card-name" }, key),
      h("span", { class: "card-summary" }, operation.summary)),
    h("div", { class: "card-body" },
      markdown(operation.description),
      isRequest && h("button", { type: "button", class: "try", click: () => tryOut(key) }, "Try it in the console"),
      messageBody(model, message, key),
      replies.map((reply) =>
        h("details", { class: "reply" },
          h("summary", {}, h("span", { class: "direction" }, "reply"), h("code", { class: "card-name" }, reply.title ?? reply.name)),
          h("div", { class: "card-body" }, markdown(reply.description), messageBody(model, reply, reply.title ?? reply.name)))),
    ),
  );
}

function messageBody({ schemas }, message, what) {
  const examples = message.examples ?? [];
  const name = (index) => (index === 0 ? `the example of ${what}` : `example ${index + 1} of ${what}`);
  return [
    h("h3", {}, "Message"),
    tree(schemas, message.payload),
    examples.length > 0 && h("h3", {}, examples.length > 1 ? "Examples" : "Example"),
    examples.map(({ payload }, index) => example(payload, name(index))),
  ];
}

function schemaSection({ schemas }) {
  const names = Object.keys(schemas);
  if (names.length === 0) return "";
  return h("section", { class: "channel", id: "schemas", "aria-labelledby": "title-schemas" },
    h("h2", { id: "title-schemas" }, "Schemas"),
    names.map((name) =>
      h("details", { class: "card", id: `schema-${name}` },
        h("summary", {}, h("code", { class: "card-name" }, name),
          h("span", { class: "card-summary" }, typeOf(schemas, schemas[name]))),
        h("div", { class: "card-body" },
          markdown(schemas[name].description),
          values(schemas[name]) ?? constraints(schemas, schemas[name]),
          tree(schemas, schemas[name], [name]),
          h("h3", {}, "JSON schema"),
          example(schemas[name], `the schema ${name}`)))),
  );
}
