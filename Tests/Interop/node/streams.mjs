// Drives the stream half of JetStream with the official clients: node streams.mjs URL. Prints "ok NAME" for each thing that worked.
import { connect, headers } from "@nats-io/transport-node";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";

const text = (data) => new TextDecoder().decode(data);
const fail = (name, seen) => { console.log(`not ok ${name}: ${seen}`); process.exit(1); };
const check = (name, good, seen) => { if (!good) fail(name, JSON.stringify(seen)); console.log(`ok ${name}`); };
const errorOf = async (promise) => { try { await promise; return "none"; } catch (error) { return `${error.code ?? ""} ${error.message}`; } };

const nc = await connect({ servers: process.argv[2], name: "streams" });
const js = jetstream(nc);
const jsm = await jetstreamManager(nc);

const info = await jsm.streams.add({ name: "S", subjects: ["s.>"], allow_direct: true, duplicate_window: 120e9 });
check("create", info.config.name === "S" && info.state.messages === 0, info);
const ack = await js.publish("s.a", "one", { msgID: "1" });
check("publish", ack.stream === "S" && ack.seq === 1 && ack.duplicate === false, ack);
check("duplicate", (await js.publish("s.a", "one", { msgID: "1" })).duplicate === true, "no");
const wrong = await errorOf(js.publish("s.a", "x", { expect: { lastSequence: 7 } }));
check("expected last sequence", /wrong last sequence/.test(wrong), wrong);
const h = headers();
h.set("Kind", "test");
const acks = await Promise.all(Array.from({ length: 500 }, (_, i) => js.publish(`s.b.${i % 5}`, `${i}`, { headers: h })));
check("500 at once", acks.at(-1).seq === 501, acks.at(-1));

const direct = await jsm.direct.getMessage("S", { seq: 2 });
check("direct get", text(direct.data) === "0" && direct.header.get("Kind") === "test", direct);
const last = await jsm.direct.getMessage("S", { last_by_subj: "s.b.4" });
check("last by subject", text(last.data) === "499", last);
const stored = await jsm.streams.getMessage("S", { seq: 1 });
check("get", stored.string() === "one", stored);
const batch = [];
for await (const m of await jsm.direct.getBatch("S", { seq: 1, batch: 10 })) batch.push(m.seq);
check("batch", batch.length === 10 && batch[9] === 10, batch);

check("delete a message", await jsm.streams.deleteMessage("S", 2), "false");
const details = await jsm.streams.info("S", { deleted_details: true, subjects_filter: "s.b.*" });
check("info", details.state.deleted.join() === "2" && Object.keys(details.state.subjects).length === 5, details.state);
check("purge", (await jsm.streams.purge("S", { filter: "s.b.1" })).purged === 100, "other");
const updated = await jsm.streams.update("S", { subjects: ["s.>", "t"], max_msgs: 10 });
check("update", updated.config.max_msgs === 10 && updated.state.messages === 10, updated.state);
const names = [];
for await (const name of await jsm.streams.names()) names.push(name);
check("names", names.join() === "S", names);
const account = await jsm.getAccountInfo();
check("account", account.streams === 1 && account.storage > 0, account);
check("not found", /stream not found/.test(await errorOf(jsm.streams.info("NONE"))), "other");

const kv = await new Kvm(nc).create("B", { history: 3 });
check("bucket", (await kv.put("k", "v1")) === 1, "revision");
check("entry", (await kv.get("k")).string() === "v1", "value");
check("create what is there", /wrong last sequence|exists/.test(await errorOf(kv.create("k", "x"))), "no error");
check("compare and set", (await kv.update("k", "v2", 1)) === 2, "revision");
check("compare and set with an old revision", /wrong last sequence/.test(await errorOf(kv.update("k", "v3", 1))), "no error");
await kv.delete("k");
check("deleted entry", (await kv.get("k")).operation === "DEL", "operation");
check("create after delete", (await kv.create("k", "again")) === 4, "revision");
check("status", (await kv.status()).values === 3, await kv.status());

check("delete the stream", await jsm.streams.delete("S"), "false");
await nc.drain();
check("drain", nc.isClosed(), "open");
