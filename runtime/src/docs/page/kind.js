// The kind of a channel, as the document's extension says it.

/** The kind of a channel; `undefined` where the channel has no subscriptions. */
export function kindOf({ name, operations }) {
  const update = operations.find(({ key }) => key === `${name}.update`);
  return update?.message["x-topicast"];
}

/** A kind in words. */
export function describeKind({ kind, history, key, checksum }) {
  if (kind === "table") return `table by ${key.join(", ")}${checksum ? ", with checksum" : ""}`;
  if (kind !== "events" || !history) return kind;
  const limits = [history.count && `${history.count} updates`, history.age_ms && duration(history.age_ms)].filter(Boolean);
  return `events, history of ${limits.join(" or ")}`;
}

function duration(ms) {
  const [size, unit] = [[3_600_000, "h"], [60_000, "min"], [1_000, "s"], [1, "ms"]].find(([size]) => ms % size === 0);
  return `${ms / size} ${unit}`;
}
