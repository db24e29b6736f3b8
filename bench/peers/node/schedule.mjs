// The control channel of a peer in JavaScript: a line in, updates out on an absolute schedule.

const PAD = "p".repeat(75);
const FIRST_NUMBER = 1_000_000;
export const FIRST_TOPIC = 1000;

/** Microseconds since 1970, finer than `Date.now()`. */
const now = () => (performance.timeOrigin + performance.now()) * 1000;

/** The number of the last update of each topic. */
const numbers = [];

/** The whole message of an update: the envelope that every peer sends, and a bar of 200 bytes. */
function message(topic, at) {
  const number = (numbers[topic] = (numbers[topic] ?? 0) + 1);
  const payload = {
    at,
    n: FIRST_NUMBER + number,
    k: FIRST_TOPIC + topic,
    open: 229.41,
    high: 230.12,
    low: 228.97,
    close: 229.88,
    volume: 183442,
    pad: PAD,
  };
  return JSON.stringify({ type: "bars.update", topic: topicName(FIRST_TOPIC + topic), seq: number, payload });
}

export const topicName = (k) => `bars:{"k":${k}}`;

/** The answer to a subscription. */
export const subscribed = (k) =>
  JSON.stringify({
    type: "bars.subscribe.response",
    payload: { status: "ok", k, message: `Subscribed to ${k}`, topic: topicName(k) },
  });

/**
 * Publishes as `publish START_US PERIOD_NS TICKS TOPICS SPREAD` says, then says how many. What is due is published at
 * once, then the event loop gets its turn.
 */
function run(publish, start, period, ticks, topics, spread) {
  const total = ticks * topics;
  const due = (i) => {
    const topic = i % topics;
    const tick = (i - topic) / topics;
    return start + Math.floor((tick * period + (spread ? (topic * period) / topics : 0)) / 1000);
  };
  let next = 0;
  const step = () => {
    const reached = now();
    while (next < total && due(next) <= reached) {
      const topic = next % topics;
      publish(FIRST_TOPIC + topic, message(topic, due(next)));
      next += 1;
    }
    if (next === total) {
      console.log(`published ${total}`);
      return;
    }
    const wait = (due(next) - now()) / 1000;
    if (wait > 0) {
      setTimeout(step, Math.ceil(wait));
    } else {
      setImmediate(step);
    }
  };
  step();
}

/** Says that the server is ready, then obeys until standard input ends. */
export function serve(port, publish) {
  console.log(`ready ${port}`);
  let pending = "";
  process.stdin.on("data", (chunk) => {
    const lines = (pending + chunk).split("\n");
    pending = lines.pop();
    for (const line of lines) {
      const [word, ...numbers] = line.trim().split(" ");
      if (word === "publish") {
        run(publish, ...numbers.map(Number));
      } else {
        console.error(`unknown command \`${word}\`: allowed is publish`);
        process.exit(2);
      }
    }
  });
  process.stdin.on("end", () => process.exit(0));
}
