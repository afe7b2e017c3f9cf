// Drives priority groups, resets, ordered consumers and services with the official clients: node groups.mjs URL. Prints "ok NAME" for each thing that worked.
import { connect } from "@nats-io/transport-node";
import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { Svcm } from "@nats-io/services";

const fail = (name, seen) => { console.log(`not ok ${name}: ${seen}`); process.exit(1); };
const check = (name, good, seen) => { if (!good) fail(name, JSON.stringify(seen)); console.log(`ok ${name}`); };
const errorOf = async (promise) => { try { await promise; return "none"; } catch (error) { return `${error.code ?? ""} ${error.message}`; } };
const all = async (iterator) => { const seen = []; for await (const one of iterator) seen.push(one); return seen; };
const until = async (name, condition) => {
  for (let i = 0; i < 400; i++) { if (await condition()) { console.log(`ok ${name}`); return; } await new Promise((r) => setTimeout(r, 25)); }
  fail(name, "it did not come");
};
const statuses = (messages) => { const seen = []; (async () => { for await (const s of messages.status()) seen.push(s.type); })(); return seen; };

const nc = await connect({ servers: process.argv[2], name: "groups" });
const js = jetstream(nc);
const jsm = await jetstreamManager(nc);
await jsm.streams.add({ name: "S", subjects: ["s.>"] });
const fill = (count) => Promise.all(Array.from({ length: count }, (_, i) => js.publish(`s.${i % 4}`, `${i}`)));
await fill(100);

// Overflow: only when so much is pending.
await jsm.consumers.add("S", { durable_name: "OVER", ack_policy: AckPolicy.Explicit, priority_policy: "overflow", priority_groups: ["g"] });
const over = await js.consumers.get("S", "OVER");
check("overflow below the bar", (await all(await over.fetch({ max_messages: 5, expires: 2000, group: "g", min_pending: 1000 }))).length === 0, "some");
check("overflow above the bar", (await all(await over.fetch({ max_messages: 5, expires: 1000, group: "g", min_pending: 50 }))).length === 5, "none");
check("overflow by acknowledgements", (await all(await over.fetch({ max_messages: 5, expires: 1000, group: "g", min_ack_pending: 5 }))).length === 5, "none");
check("no group", /group/i.test(await errorOf(all(await over.fetch({ max_messages: 5, expires: 1000 })))), await errorOf(all(await over.fetch({ max_messages: 5, expires: 1000 }))));

// Prioritized: the lowest number first.
await jsm.consumers.add("S", { durable_name: "PRIO", ack_policy: AckPolicy.Explicit, priority_policy: "prioritized", priority_groups: ["g"], filter_subject: "s.prio" });
const prio = await js.consumers.get("S", "PRIO");
const low = all(await prio.fetch({ max_messages: 2, expires: 2000, group: "g", priority: 5 }));
await nc.flush();
const high = all(await prio.fetch({ max_messages: 2, expires: 2000, group: "g", priority: 1 }));
await nc.flush();
for (let i = 0; i < 3; i++) await js.publish("s.prio", `${i}`);
check("prioritized", (await high).map((m) => m.string()).join() === "0,1" && (await low).map((m) => m.string()).join() === "2", (await low).length);

// Pinned: one client has it until it is unpinned.
await jsm.consumers.add("S", { durable_name: "PIN", ack_policy: AckPolicy.Explicit, priority_policy: "pinned_client", priority_groups: ["g"], priority_timeout: 60e9 });
const [one, two] = [await js.consumers.get("S", "PIN"), await js.consumers.get("S", "PIN")];
const [first, second] = [await one.consume({ group: "g", max_messages: 10 }), await two.consume({ group: "g", max_messages: 10 })];
const counts = [0, 0];
(async () => { for await (const m of first) { counts[0]++; m.ack(); } })();
(async () => { for await (const m of second) { counts[1]++; m.ack(); } })();
await until("a pinned client has all", () => counts[0] + counts[1] === 103 && Math.min(...counts) === 0);
const owner = (await jsm.consumers.info("S", "PIN")).priority_groups[0];
check("who is pinned", owner.group === "g" && owner.pinned_client_id.length > 0, owner);
await jsm.consumers.unpin("S", "PIN", "g");
await until("another one is pinned", async () => { await js.publish("s.pin"); return (await jsm.consumers.info("S", "PIN")).priority_groups[0].pinned_client_id !== owner.pinned_client_id; });
check("no such group", /priority group/i.test(await errorOf(jsm.consumers.unpin("S", "PIN", "other"))), await errorOf(jsm.consumers.unpin("S", "PIN", "other")));
await first.close(); await second.close();

// Pause and reset.
await jsm.consumers.add("S", { durable_name: "R", ack_policy: AckPolicy.Explicit, pause_until: new Date(Date.now() + 60_000).toISOString() });
const r = await js.consumers.get("S", "R");
check("paused from the beginning", (await r.next({ expires: 2000 })) === null, "a message");
const waiting = r.next({ expires: 5000 });
const resumed = await jsm.consumers.resume("S", "R");
check("resumed", resumed.paused === false && (await waiting)?.seq === 1, resumed);
for (let i = 2; i <= 10; i++) await (await r.next()).ackAck();
const reset = await jsm.consumers.reset("S", "R", 5);
check("reset to a sequence", reset.reset_seq === 5 && (await r.next()).seq === 5, reset);
const again = await jsm.consumers.reset("S", "R");
check("reset to what is acknowledged", (await r.next()).seq === again.reset_seq, again);

// Deleted under a consume.
await jsm.consumers.add("S", { durable_name: "GONE", ack_policy: AckPolicy.Explicit });
const gone = await (await js.consumers.get("S", "GONE")).consume({ abort_on_missing_resource: true });
const goneSeen = statuses(gone);
const ended = (async () => { try { for await (const m of gone) m.ack(); } catch { /* it ends with the consumer */ } })();
await until("everything is consumed", async () => (await jsm.consumers.info("S", "GONE")).num_pending === 0);
await jsm.consumers.delete("S", "GONE");
await ended;
check("a deleted consumer is told", goneSeen.includes("consumer_deleted"), goneSeen);

// Ordered consumers go on.
const ordered = await (await js.consumers.get("S", { filter_subjects: "s.>" })).consume({ idle_heartbeat: 500, expires: 2000 });
const seen = [];
(async () => { for await (const m of ordered) seen.push(m.seq); })();
const last = async () => (await jsm.streams.info("S")).state.last_seq;
const sofar = await last();
await until("ordered has all", () => seen.at(-1) === sofar);
await jsm.streams.purge("S");
await fill(10);
await until("ordered after a purge", () => seen.length === sofar + 10);
const [own] = (await all(jsm.consumers.list("S"))).filter((c) => c.config.ack_policy === "none");
await jsm.consumers.delete("S", own.name);
await fill(10);
await until("ordered after its consumer was deleted", () => seen.at(-1) === sofar + 20);
check("in order, once", seen.every((seq, i) => i === 0 || seq === seen[i - 1] + 1), seen.slice(-30));
await ordered.close();
const push = await (await js.consumers.getPushConsumer("S", { filter_subjects: ["s.0"], deliver_policy: DeliverPolicy.All })).consume();
const pushed = [];
(async () => { for await (const m of push) pushed.push(m.seq); })();
await until("ordered push", () => pushed.length === 6);
await push.close();

// Limits of one pull.
await jsm.consumers.add("S", { durable_name: "LIM", ack_policy: AckPolicy.Explicit, max_batch: 5, max_expires: 2e9, max_waiting: 2, max_ack_pending: 6, inactive_threshold: 1e9 });
const lim = await js.consumers.get("S", "LIM");
check("max batch", /maxrequestbatch/i.test(await errorOf(all(await lim.fetch({ max_messages: 6, expires: 1000 })))), "taken");
check("max expires", /maxrequestexpires/i.test(await errorOf(all(await lim.fetch({ max_messages: 5, expires: 3000 })))), "taken");
const batch = await all(await lim.fetch({ max_messages: 5, expires: 1000 }));
check("a batch", batch.length === 5, batch.length);
const sixth = await all(await lim.fetch({ max_messages: 5, expires: 1000 }));
check("max ack pending", sixth.length === 1, sixth.length);
for (const m of [...batch, ...sixth]) m.ack();
await until("an inactive consumer goes", async () => /not found/.test(await errorOf(jsm.consumers.info("S", "LIM"))));
await jsm.consumers.add("S", { durable_name: "BYTES", ack_policy: AckPolicy.Explicit });
let some = 0;
const enough = await errorOf((async () => { for await (const m of await (await js.consumers.get("S", "BYTES")).fetch({ max_bytes: 320, expires: 1000 })) some += m.data.length > 0 ? 1 : 0; })());
check("max bytes", some > 0 && some < 20 && /maxbytes/i.test(enough), [some, enough]);

// Services.
const svcm = new Svcm(nc);
const service = await svcm.add({ name: "adder", version: "1.0.0", description: "adds", metadata: { k: "v" } });
service.addGroup("math").addEndpoint("add", { handler: (err, m) => { const n = m.json(); Array.isArray(n) ? m.respond(JSON.stringify(n.reduce((a, b) => a + b, 0))) : m.respondError(400, "no numbers"); } });
check("a service answers", (await nc.request("math.add", JSON.stringify([1, 2, 3]))).json() === 6, "other");
const bad = await nc.request("math.add", "1");
check("a service's error", bad.headers.get("Nats-Service-Error-Code") === "400", bad.headers);
const client = svcm.client({ strategy: "timer", maxWait: 500 });
check("services are found", (await all(await client.ping("adder")))[0].name === "adder", "nobody");
check("services tell of themselves", (await all(await client.info("adder")))[0].endpoints[0].subject === "math.add", "other");
const stats = (await all(await client.stats("adder")))[0].endpoints[0];
check("services count", stats.num_requests === 2, stats);
await service.stop();

await nc.drain();
check("drain", nc.isClosed(), "open");
