// Fan-out on node and the `ws` package, written by hand: a set of sockets a topic, one send each.

import { WebSocketServer } from "ws";
import { serve, subscribed, topicName } from "./schedule.mjs";

/** How many bytes may wait for one client before it is cut off. */
const UNSENT_BYTES = Number(process.argv[2] ?? 1024 * 1024);

const topics = new Map();
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, backlog: 4096, perMessageDeflate: false });

server.on("connection", (socket) => {
  const joined = [];
  socket.on("message", (data) => {
    const { k } = JSON.parse(data.toString()).payload;
    const name = topicName(k);
    const members = topics.get(name) ?? topics.set(name, new Set()).get(name);
    members.add(socket);
    joined.push(members);
    socket.send(subscribed(k));
  });
  socket.on("close", () => joined.forEach((members) => members.delete(socket)));
  socket.on("error", () => socket.terminate());
});

server.on("listening", () => {
  serve(server.address().port, (k, text) => {
    // Encoded once: a Buffer is sent as it is, a string would be converted for each socket.
    const data = Buffer.from(text);
    for (const socket of topics.get(topicName(k)) ?? []) {
      if (socket.bufferedAmount > UNSENT_BYTES) {
        socket.terminate();
      } else {
        socket.send(data, { binary: false });
      }
    }
  });
});
