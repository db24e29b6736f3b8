// Reads the document and brings reference and console to life.

import { startConsole } from "./console.js";
import { readDocument, showReference } from "./reference.js";

const byId = (id) => document.getElementById(id);

/** Opens what the address points at, which may be folded away. */
function openTarget() {
  const target = byId(decodeURIComponent(location.hash.slice(1)));
  for (let part = target; part; part = part.parentElement) {
    if (part.tagName === "DETAILS") part.open = true;
  }
  target?.scrollIntoView();
}

async function start() {
  // Beside the page, so that it can be served under any path.
  const response = await fetch("asyncapi-3.json");
  if (!response.ok) throw new Error(`asyncapi-3.json: HTTP ${response.status}`);
  const model = readDocument(await response.json());
  const { title, version } = model.info;
  document.title = `${title} ${version}`;
  byId("title").textContent = title;
  byId("version").textContent = version;
  const tryOut = startConsole(model);
  showReference(model, byId("contents"), byId("reference"), tryOut);
  addEventListener("hashchange", openTarget);
  openTarget();
}

start().catch((error) => {
  byId("loading").textContent = `The document could not be read. ${error.message}`;
});
