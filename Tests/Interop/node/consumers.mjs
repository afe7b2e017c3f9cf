// Drives consumers with the official clients: node consumers.mjs URL. Prints "ok NAME" for each thing that worked.
import { connect } from "@nats-io/transport-node";
import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { Objm } from "@nats-io/obj";

const text = (data) => new TextDecoder().decode(data);
const fail = (name, seen) => { console.log(`not ok ${name}: ${seen}`); process.exit(1); };
const check = (name, good, seen) => { if (!good) fail(name, JSON.stringify(seen)); console.log(`ok ${name}`); };
const errorOf = async (promise) => { try { await promise; return "none"; } catch (error) { return `${error.code ?? ""} ${error.message}`; } };
const take = async (iterator, count) => {
  const all = [];
  if (count === 0) return all;
  for await (const one of iterator) { all.push(one); if (all.length === count) break; }
  return all;
};

const nc = await connect({ servers: process.argv[2], name: "consumers" });
const js = jetstream(nc);
const jsm = await jetstreamManager(nc);
await jsm.streams.add({ name: "S", subjects: ["s.>"] });
await Promise.all(Array.from({ length: 100 }, (_, i) => js.publish(`s.${i % 4}`, `${i}`)));

// Pull.
const made = await jsm.consumers.add("S", { durable_name: "C", ack_policy: AckPolicy.Explicit, ack_wait: 500e6 });
check("create", made.name === "C" && made.num_pending === 100, made);
const consumer = await js.consumers.get("S", "C");
const first = await consumer.next();
check("next", first.seq === 1 && first.info.pending === 99 && text(first.data) === "0", first.info);
check("confirmed ack", await first.ackAck(), false);
const fetched = [];
for await (const m of await consumer.fetch({ max_messages: 10, expires: 2000 })) { fetched.push(m.seq); m.ack(); }
check("fetch", fetched.join() === "2,3,4,5,6,7,8,9,10,11", fetched);
const again = await consumer.next();
again.nak();
const redelivered = await consumer.next();
check("nak", redelivered.seq === again.seq && redelivered.redelivered && redelivered.info.deliveryCount === 2, redelivered.info);
redelivered.term("enough");
const late = await consumer.next();
const messages = await consumer.consume({ max_messages: 20 });
const rest = [];
for await (const m of messages) { m.ack(); rest.push(m); if (rest.length === 100 - 12) break; }
check("consume", new Set(rest.map((m) => m.seq)).size === 88 && Math.max(...rest.map((m) => m.seq)) === 100, rest.length);
check("ack wait", rest.find((m) => m.seq === late.seq).redelivered, late.seq);
await nc.flush();
const info = await consumer.info();
check("info", info.num_pending === 0 && info.delivered.stream_seq === 100, info);
check("nothing more", (await consumer.next({ expires: 1000 })) === null, "a message");

// Ordered, filters, delivery policies.
const ordered = await js.consumers.get("S", { filter_subjects: ["s.1", "s.3"] });
const odd = await take(await ordered.consume(), 50);
check("ordered with filters", odd.every((m) => /s\.[13]/.test(m.subject)) && odd.at(-1).seq === 100, odd.length);
await jsm.consumers.add("S", { durable_name: "LPS", ack_policy: AckPolicy.None, deliver_policy: DeliverPolicy.LastPerSubject, filter_subject: "s.>" });
const lasts = await take(await (await js.consumers.get("S", "LPS")).fetch({ max_messages: 10, expires: 1000 }), 4);
check("last per subject", lasts.map((m) => m.seq).join() === "97,98,99,100", lasts.map((m) => m.seq));

// Push.
await jsm.consumers.add("S", { durable_name: "P", deliver_subject: "push", ack_policy: AckPolicy.Explicit, idle_heartbeat: 500e6, flow_control: true });
const push = await js.consumers.getPushConsumer("S", "P");
const pushed = [];
for await (const m of await push.consume()) { m.ack(); pushed.push(m.seq); if (pushed.length === 100) break; }
check("push with flow control", pushed.at(-1) === 100, pushed.length);

// Work queue.
await jsm.streams.add({ name: "W", subjects: ["w.>"], retention: "workqueue" });
await jsm.consumers.add("W", { durable_name: "WC", ack_policy: AckPolicy.Explicit });
for (let i = 0; i < 10; i++) await js.publish("w.x", `${i}`);
for await (const m of await (await js.consumers.get("W", "WC")).fetch({ max_messages: 7, expires: 1000 })) await m.ackAck();
check("work queue", (await jsm.streams.info("W")).state.messages === 3, await jsm.streams.info("W"));

// Interest.
await jsm.streams.add({ name: "I", subjects: ["i.>"], retention: "interest" });
await js.publish("i.none", "x");
await jsm.consumers.add("I", { durable_name: "IA", ack_policy: AckPolicy.Explicit, filter_subject: "i.a" });
await js.publish("i.a", "x");
await js.publish("i.b", "x");
check("interest", (await jsm.streams.info("I")).state.messages === 1, (await jsm.streams.info("I")).state);
await (await (await js.consumers.get("I", "IA")).next()).ackAck();
check("interest is over", (await jsm.streams.info("I")).state.messages === 0, (await jsm.streams.info("I")).state);

// Pause, delete, names.
await jsm.consumers.pause("S", "C", new Date(Date.now() + 60_000));
check("pause", (await jsm.consumers.info("S", "C")).paused === true, await jsm.consumers.info("S", "C"));
await jsm.consumers.resume("S", "C");
const names = [];
for await (const one of jsm.consumers.list("S")) names.push(one.name);
check("list", ["C", "LPS", "P"].every((name) => names.includes(name)), names);
check("delete", await jsm.consumers.delete("S", "C"), false);
check("not found", /consumer not found/.test(await errorOf(jsm.consumers.info("S", "C"))), "other");

// Buckets.
const kv = await new Kvm(nc).create("B", { history: 5, markerTTL: 2000 });
const seen = [];
const watch = await kv.watch();
const watching = (async () => { for await (const entry of watch) { seen.push(`${entry.key}=${entry.operation === "PUT" ? entry.string() : entry.operation}`); if (seen.length === 5) break; } })();
await kv.put("a", "1"); await kv.put("a", "2"); await kv.put("b", "1"); await kv.delete("b"); await kv.purge("a");
await watching;
check("watch", seen.join() === "a=1,a=2,b=1,b=DEL,a=PURGE", seen);
await kv.put("c", "1"); await kv.put("c", "2");
check("keys", (await take(await kv.keys(), 1)).join() === "c", "other");
check("history", (await take(await kv.history({ key: "c" }), 2)).map((e) => e.string()).join() === "1,2", "other");
await kv.create("t", "short", "1s");
check("bucket with a time to live", (await kv.get("t")).string() === "short", "nothing");

// Objects.
const os = await new Objm(nc).create("O");
const bytes = new Uint8Array(1_000_000).map((_, i) => i % 251);
const put = await os.putBlob({ name: "blob", options: { max_chunk_size: 65536 } }, bytes);
check("put", put.size === bytes.length && put.chunks === 16, put);
const got = await os.getBlob("blob");
check("get", got.length === bytes.length && got.every((b, i) => b === i % 251), got?.length);
await os.link("link", put);
check("link", (await os.getBlob("link")).length === bytes.length, "other");
check("objects", (await os.list()).length === 2, await os.list());
await os.delete("blob");
check("deleted object", (await os.info("blob")).deleted === true, await os.info("blob"));
check("chunks are gone", (await os.status()).size < 10_000, await os.status());

await nc.drain();
check("drain", nc.isClosed(), "open");
