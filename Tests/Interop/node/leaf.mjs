// Drives a hub and its leaf node, whose JetStream has the domain "edge": node leaf.mjs HUB[,HUB…] LEAF[,LEAF…].
import { connect } from "@nats-io/transport-node";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";

const text = (data) => new TextDecoder().decode(data);
const check = (name, good, seen) => {
  console.log(good ? `ok ${name}` : `not ok ${name}: ${seen}`);
  if (!good) process.exit(1);
};
// Interest crosses a moment after it was told.
const until = async (name, attempt) => {
  for (const end = Date.now() + 20000; ;) {
    const seen = await attempt().catch((error) => error);
    if (!(seen instanceof Error)) return seen;
    check(name, Date.now() < end, seen);
  }
};

const hub = await connect({ servers: process.argv[2].split(","), name: "at the hub" });
const edge = await connect({ servers: process.argv[3].split(","), name: "at the edge" });

hub.subscribe("greet.hub", { callback: (_, m) => m.respond(`hub got ${text(m.data)}`) });
edge.subscribe("greet.edge", { callback: (_, m) => m.respond(`edge got ${text(m.data)}`) });
const up = await until("publish from the edge", () => edge.request("greet.hub", "one", { timeout: 1000 }));
check("publish from the edge", text(up.data) === "hub got one", text(up.data));
const down = await until("request from the hub", () => hub.request("greet.edge", "two", { timeout: 1000 }));
check("request from the hub", text(down.data) === "edge got two", text(down.data));

const streams = await jetstreamManager(hub);
await streams.streams.add({ name: "READINGS", subjects: ["readings.>"] });
const ack = await until("the hub's stream takes", () => jetstream(edge).publish("readings.1", "21.5", { timeout: 1000 }));
check("the hub's stream takes what the edge publishes", ack.stream === "READINGS" && ack.seq >= 1, JSON.stringify(ack));

const local = await jetstreamManager(edge, { domain: "edge" });
await local.streams.add({ name: "LOCAL", subjects: ["local.>"] });
const kept = await jetstream(edge, { domain: "edge" }).publish("local.1", "x");
check("the edge's stream keeps its own", kept.stream === "LOCAL" && kept.domain === "edge", JSON.stringify(kept));
const far = await until("the edge's stream from the hub", async () => (await (await jetstreamManager(hub, { domain: "edge", checkAPI: false })).streams.info("LOCAL")).state.messages);
check("the edge's stream is seen from the hub by its domain", far === 1, far);

await edge.drain();
await hub.drain();
check("drain", hub.isClosed() && edge.isClosed(), "open");
