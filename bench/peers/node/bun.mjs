// Fan-out on Bun: `server.publish`, which is uWebSockets' own publish and subscribe.

import { serve, subscribed, topicName } from "./schedule.mjs";

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: (request, server) => (server.upgrade(request) ? undefined : new Response("a WebSocket is wanted", { status: 426 })),
  websocket: {
    perMessageDeflate: false,
    // What does not fit for one client is dropped, which is Bun's own policy.
    backpressureLimit: Number(process.argv[2] ?? 1024 * 1024),
    message(socket, data) {
      const { k } = JSON.parse(data).payload;
      socket.subscribe(topicName(k));
      socket.send(subscribed(k));
    },
  },
});

serve(server.port, (k, text) => server.publish(topicName(k), text));
