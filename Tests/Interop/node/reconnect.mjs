// Connects to a cluster, asks for the server it is on to be killed, and goes on with another:
// node reconnect.mjs URL[,URL…]. Prints "connected PORT", reads one line, then must exchange messages again.
import { connect } from "@nats-io/transport-node";
import { createInterface } from "node:readline";

const nc = await connect({ servers: process.argv[2].split(","), reconnectTimeWait: 50, maxReconnectAttempts: 200 });
const got = [];
nc.subscribe("again", { callback: (_, m) => got.push(new TextDecoder().decode(m.data)) });
await nc.flush();
const before = nc.getServer();
const reconnected = new Promise((resolve) => (async () => {
  for await (const status of nc.status()) if (status.type === "reconnect") resolve();
})());
console.log(`connected ${before.split(":").pop()}`);
for await (const _ of createInterface({ input: process.stdin })) break;
await reconnected;
for (let i = 0; i < 100 && got.length === 0; i++) {
  nc.publish("again", "here");
  await nc.flush();
}
console.log(got.length > 0 && nc.getServer() !== before ? "ok reconnected" : `not ok: ${got.length} messages on ${nc.getServer()}`);
await nc.close();
process.exit(0);
