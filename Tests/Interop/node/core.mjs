// Drives a server with the official client: node core.mjs URL[,URL…]. Prints "ok NAME" for each thing that worked.
// ws:// URLs go through the client's WebSocket transport.
import { connect, headers } from "@nats-io/transport-node";
import { wsconnect } from "@nats-io/nats-core";
import WebSocket from "ws";

const servers = process.argv[2].split(",");
const text = (data) => new TextDecoder().decode(data);
const fail = (name, seen) => { console.log(`not ok ${name}: ${seen}`); process.exit(1); };
const check = (name, good, seen) => { if (!good) fail(name, seen); console.log(`ok ${name}`); };

globalThis.WebSocket ??= WebSocket;
const open = servers[0].startsWith("ws") ? wsconnect : connect;
const nc = await open({ servers, name: "interop" });

const sub = nc.subscribe("plain.*", { max: 2 });
nc.publish("plain.a", "1");
nc.publish("plain.b", "2");
const plain = [];
for await (const m of sub) plain.push(`${m.subject}=${text(m.data)}`);
check("publish and subscribe, auto-unsubscribe", plain.join() === "plain.a=1,plain.b=2", plain.join());

const service = nc.subscribe("svc", { queue: "workers", callback: (err, m) => {
  const h = headers();
  h.set("Served-By", "interop");
  m.respond(`hello ${text(m.data)}`, { headers: h });
} });
const reply = await nc.request("svc", "you", { timeout: 5000 });
check("request", text(reply.data) === "hello you", text(reply.data));
check("headers", reply.headers.get("Served-By") === "interop", reply.headers);

try {
  await nc.request("nobody.listens", "", { timeout: 5000 });
  fail("no responders", "an answer");
} catch (error) {
  check("no responders", /no responders/i.test(error.message) || error.isNoResponders?.() === true, error.message);
}

let received = 0;
for (let i = 0; i < 3; i++) nc.subscribe("spread", { queue: "group", callback: () => received++ });
for (let i = 0; i < 300; i++) nc.publish("spread", "x");
await nc.flush();
check("queue group gets each message once", received === 300, received);

const large = new Uint8Array(900 * 1024).fill(7);
const big = nc.subscribe("large", { max: 1 });
nc.publish("large", large);
for await (const m of big) check("large payload", m.data.length === large.length && m.data[12345] === 7, m.data.length);

service.unsubscribe();
await nc.drain();
check("drain the connection", nc.isClosed(), "open");
