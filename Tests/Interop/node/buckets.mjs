// Drives key-value and object stores deeper with the official clients: node buckets.mjs URL. Prints "ok NAME" for each thing that worked.
import { connect } from "@nats-io/transport-node";
import { jetstreamManager } from "@nats-io/jetstream";
import { Kvm, KvWatchInclude } from "@nats-io/kv";
import { Objm } from "@nats-io/obj";

const fail = (name, seen) => { console.log(`not ok ${name}: ${seen}`); process.exit(1); };
const check = (name, good, seen) => { if (!good) fail(name, JSON.stringify(seen)); console.log(`ok ${name}`); };
const errorOf = async (promise) => { try { await promise; return "none"; } catch (error) { return `${error.code ?? ""} ${error.message}`; } };
const all = async (iterator) => { const seen = []; for await (const one of iterator) seen.push(one); return seen; };
const take = async (iterator, count) => { const seen = []; for await (const one of iterator) { seen.push(one); if (seen.length === count) break; } return seen; };
const until = async (name, condition) => {
  for (let i = 0; i < 400; i++) { if (await condition()) { console.log(`ok ${name}`); return; } await new Promise((r) => setTimeout(r, 25)); }
  fail(name, "it did not come");
};
const told = (entry) => `${entry.key}=${entry.operation === "PUT" ? entry.string() : entry.operation}`;

const nc = await connect({ servers: process.argv[2], name: "buckets" });
const jsm = await jetstreamManager(nc);
const kvm = new Kvm(nc);

// Watches.
const kv = await kvm.create("B", { history: 10, description: "bucket", metadata: { who: "we" } });
for (let i = 1; i <= 3; i++) await kv.put("a.one", `${i}`);
await kv.put("a.two", "1"); await kv.put("b.one", "1"); await kv.delete("b.one"); await kv.put("c", "1"); await kv.purge("c");
check("watch of last values", (await take(await kv.watch(), 4)).map(told).join() === "a.one=3,a.two=1,b.one=DEL,c=PURGE", "other");
check("watch of history", (await take(await kv.watch({ include: KvWatchInclude.AllHistory, key: "a.*" }), 4)).map(told).join() === "a.one=1,a.one=2,a.one=3,a.two=1", "other");
check("watch without deletes", (await take(await kv.watch({ ignoreDeletes: true }), 2)).map(told).join() === "a.one=3,a.two=1", "other");
check("watch of several keys", (await take(await kv.watch({ key: ["a.two", "b.>"] }), 2)).map(told).join() === "a.two=1,b.one=DEL", "other");
check("watch from a revision", (await take(await kv.watch({ resumeFromRevision: 4 }), 3)).map((e) => e.revision).join() === "4,5,6", "other");
const sizes = await take(await kv.watch({ headers_only: true, key: "a.one" }), 1);
check("watch of headers", sizes[0].length === 1 && sizes[0].value.length === 0, sizes[0].length);
const updates = await kv.watch({ include: KvWatchInclude.UpdatesOnly });
const coming = take(updates, 2);
await nc.flush();
await kv.put("a.two", "2"); await kv.put("d", "1");
check("watch of updates", (await coming).map((e) => `${told(e)} ${e.isUpdate}`).join() === "a.two=2 true,d=1 true", "other");

// Keys and revisions.
check("keys", (await all(await kv.keys())).sort().join() === "a.one,a.two,d", await all(await kv.keys()));
check("filtered keys", (await all(await kv.keys("a.*"))).sort().join() === "a.one,a.two", "other");
check("keys of several filters", (await all(await kv.keys(["d", "a.one"]))).sort().join() === "a.one,d", "other");
check("no keys", (await all(await kv.keys("nothing"))).length === 0, "some");
check("history of a key", (await all(await kv.history({ key: "a.one" }))).map(told).join() === "a.one=1,a.one=2,a.one=3", "other");
check("history of nothing", (await all(await kv.history({ key: "nothing" }))).length === 0, "some");
check("get of a revision", (await kv.get("a.one", { revision: 2 })).string() === "2", "other");
check("get of another key's revision", (await kv.get("a.two", { revision: 2 })) === null, "something");
check("get of nothing", (await kv.get("nothing")) === null, "something");
const revision = (await kv.get("d")).revision;
check("update", (await kv.update("d", "2", revision)) > revision, "refused");
check("update of an old revision", /wrong last sequence/.test(await errorOf(kv.update("d", "3", revision))), "taken");
check("create of what is there", /wrong last sequence/.test(await errorOf(kv.create("d", "4"))), "taken");
await kv.delete("d");
check("create after a delete", (await kv.create("d", "5")) > 0, "refused");
check("delete of an old revision", /wrong last sequence/.test(await errorOf(kv.delete("d", { previousSeq: 1 }))), "taken");
const status = await kv.status();
check("status", status.bucket === "B" && status.history === 10 && status.values === 12 && status.metadata.who === "we" && status.description === "bucket", [status.values, status.metadata]);
const names = (await all(kvm.list())).map((s) => s.bucket);
check("list of buckets", names.join() === "B", names);

// Time to live.
const short = await kvm.create("SHORT", { ttl: 700 });
await short.put("k", "v");
check("short-lived value", (await short.get("k")).string() === "v", "nothing");
await until("short-lived value is gone", async () => (await short.get("k")) === null);
const marked = await kvm.create("MARKED", { markerTTL: 1000 });
const markers = take(await marked.watch(), 2);
await marked.create("k", "v", "1s");
check("limit markers", (await markers).map(told).join() === "k=v,k=PURGE", "other");
await until("limit markers go too", async () => (await jsm.streams.info("KV_MARKED")).state.messages === 0);

// Mirrors and sources.
const mirror = await kvm.create("M", { history: 10, mirror: { name: "B", subject_transforms: [{ src: "$KV.B.>", dest: "$KV.M.>" }] } });
await until("a mirror follows", async () => (await mirror.get("a.one"))?.string() === "3");
await until("a mirror is current", async () => (await jsm.streams.info("KV_M")).state.messages === 12);
check("keys of a mirror", (await all(await mirror.keys("a.>"))).sort().join() === "a.one,a.two", await all(await mirror.keys("a.>")));
check("history of a mirror", (await all(await mirror.history({ key: "a.one" }))).map(told).join() === "a.one=1,a.one=2,a.one=3", "other");
await kv.put("m", "through");
await until("a mirror goes on", async () => (await mirror.get("m"))?.string() === "through");
const other = await kvm.create("B2");
await other.put("from.b2", "1");
const both = await kvm.create("BOTH", { sources: [{ name: "B2" }, { name: "B" }] });
await until("sources follow", async () => (await both.get("from.b2"))?.string() === "1" && (await both.get("m"))?.string() === "through");
const [copied] = await take(await both.watch({ key: "from.*" }), 1);
check("watch of a bucket with sources", told(copied) === "from.b2=1", told(copied));
check("destroy", await both.destroy(), false);
check("no such bucket", /stream not found|no such bucket/i.test(await errorOf((await kvm.open("BOTH")).status())), "there");

// Compression, limits.
const packed = await kvm.create("PACKED", { compression: true, max_bytes: 100_000, maxValueSize: 100 });
check("a compressed bucket", (await packed.status()).compression === true, await packed.status());
check("too large a value", /exceeds maximum/.test(await errorOf(packed.put("k", "x".repeat(200)))), await errorOf(packed.put("k", "x".repeat(200))));

// Objects.
const objm = new Objm(nc);
const os = await objm.create("O", { description: "objects", compression: true });
const bytes = (size) => new Uint8Array(size).map((_, i) => i % 251);
const watching = take(await os.watch({ includeHistory: false }), 3);
const info = await os.putBlob({ name: "one", description: "first", headers: undefined, metadata: { a: "b" }, options: { max_chunk_size: 1000 } }, bytes(10_500));
check("chunks", info.chunks === 11 && info.size === 10_500 && info.digest.startsWith("SHA-256="), info);
const stream = (await os.get("one")).data.getReader();
let read = 0;
for (let part = await stream.read(); !part.done; part = await stream.read()) read += part.value.length;
check("read as a stream", read === 10_500, read);
await os.putBlob({ name: "empty" }, new Uint8Array(0));
check("an empty object", (await os.getBlob("empty")).length === 0, "other");
await os.delete("empty");
check("watch of objects", (await watching).map((o) => `${o.name} ${o.deleted}`).join() === "one false,empty false,empty true", "other");
await os.putBlob({ name: "one" }, bytes(5));
check("a replaced object", (await os.getBlob("one")).length === 5 && (await os.status()).size < 3000, await os.status());
const before = await all(await os.watch({ includeHistory: true }).then((w) => { const got = w; setTimeout(() => got.stop(), 300); return got; }));
check("watch with history", before.some((o) => o.name === "one" && o.size === 5), before.map((o) => o.name));
await os.update("one", { name: "uno", description: "renamed" });
check("renamed", (await os.getBlob("uno")).length === 5 && (await os.info("one")) === null, await os.list());
const elsewhere = await objm.create("O2");
await elsewhere.link("far", await os.info("uno"));
check("a link into another store", (await elsewhere.getBlob("far")).length === 5, "other");
await elsewhere.linkStore("all", os);
check("a link to a store", (await elsewhere.info("all")).options.link.bucket === "O", await elsewhere.info("all"));
check("a link to a link", /link/.test(await errorOf(elsewhere.link("again", await elsewhere.info("far")))), "made");
check("nothing to get", (await os.getBlob("nothing")) === null, "something");
check("status of a store", (await os.status()).bucket === "O" && (await os.status()).compression === true, await os.status());
check("stores", (await all(objm.list())).map((s) => s.bucket).sort().join() === "O,O2", "other");
check("sealed", (await os.seal()).sealed === true, "open");
check("nothing into a sealed store", (await errorOf(os.putBlob({ name: "late" }, bytes(5)))) !== "none", "taken");
check("destroyed store", await os.destroy(), false);

await nc.drain();
check("drain", nc.isClosed(), "open");
