// Small things that the rest of the page is made of: elements, Markdown, coloured JSON.

/** An element. Properties whose values are functions listen to events of their name. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false));
  return element;
}

/** A button that copies a text and says so. */
export function copyButton(text, what) {
  const button = h("button", { type: "button", class: "copy", "aria-label": `Copy ${what}` }, "Copy");
  const say = (word) => {
    button.textContent = word;
    setTimeout(() => (button.textContent = "Copy"), 1500);
  };
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(typeof text === "function" ? text() : text);
      say("Copied");
    } catch {
      say("Not allowed");
    }
  });
  return button;
}

/** Paragraphs, lists, `code`, **bold** and [links](…): what doc comments are made of. */
export function markdown(text) {
  const blocks = (text ?? "").trim().split(/\n\s*\n/).filter(Boolean);
  return blocks.map((block) => {
    const fence = /^```\w*\n([\s\S]*?)\n?```$/.exec(block);
    if (fence) return h("pre", {}, h("code", {}, fence[1]));
    const lines = block.split("\n");
    if (lines.every((line) => /^\s*[-*] /.test(line))) {
      return h("ul", {}, lines.map((line) => h("li", {}, inline(line.replace(/^\s*[-*] /, "")))));
    }
    const heading = /^#{1,6} (.*)$/.exec(block);
    return h("p", { class: heading ? "minor" : undefined }, inline(heading ? heading[1] : lines.join(" ")));
  });
}

function inline(text) {
  const parts = text.split(/(`[^`]+`|\*\*[^*]+\*\*|\[[^\]]+\]\([^)\s]+\))/);
  return parts.map((part) => {
    if (/^`.+`$/.test(part)) return h("code", {}, part.slice(1, -1));
    if (/^\*\*.+\*\*$/.test(part)) return h("strong", {}, part.slice(2, -2));
    const link = /^\[([^\]]+)\]\(((?:https?:|mailto:|#)[^)]*)\)$/.exec(part);
    return link ? h("a", { href: link[2] }, link[1]) : part;
  });
}

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d[\d.eE+-]*/g;

/** JSON text as nodes, coloured by kind. */
export function coloured(json) {
  const nodes = [];
  let end = 0;
  for (const match of json.matchAll(TOKEN)) {
    nodes.push(json.slice(end, match.index));
    const [token, string, colon] = match;
    const kind = colon ? "key" : string ? "string" : /^[tfn]/.test(token) ? "word" : "number";
    nodes.push(h("span", { class: `json-${kind}` }, colon ? string : token), colon ?? "");
    end = match.index + token.length;
  }
  return [...nodes, json.slice(end)];
}

/** A JSON text on several lines, if it is one. */
export function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** A block of JSON with a button that copies it. */
export function example(value, what) {
  const text = typeof value === "string" ? pretty(value) : JSON.stringify(value, null, 2);
  return h("div", { class: "example" }, copyButton(text, what), h("pre", {}, h("code", {}, coloured(text))));
}
