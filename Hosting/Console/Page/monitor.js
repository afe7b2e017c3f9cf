// What one server tells on its monitoring pages, in the form of the console's snapshots. What it cannot know is null.
const PAUSE = 1000, TIMEOUT = 5000, ELECTIONS = 200, STREAMS = 500, CONSUMERS = 100;
const PAGES = { varz: "varz", routez: "routez", gatewayz: "gatewayz", leafz: "leafz", jsz: "jsz?accounts=true&streams=true&consumers=true" };
const leaders = new Map();
const elections = [];
const seen = new Map();
let before = null;

const read = async (path) => {
  const response = await fetch(`../${path}`, { signal: AbortSignal.timeout(TIMEOUT) });
  return await response.json();
};

const note = (key, what, leader) => {
  const last = leaders.get(key);
  if (!leader || last === leader) return;
  leaders.set(key, leader);
  elections.unshift({ time: new Date().toISOString(), what, leader, before: last ?? null });
  elections.length = Math.min(elections.length, ELECTIONS);
};

const rates = (varz, at) => {
  const keys = ["in_msgs", "out_msgs", "in_bytes", "out_bytes"];
  const values = keys.map((key) => before ? Math.max(0, varz[key] - before.varz[key]) / ((at - before.at) / 1000) : 0);
  before = { varz, at };
  return values;
};

const unknown = { client: null, monitor: null, pid: null, crashes: 0, version: null, uptime: null, connections: null, subscriptions: null, slowConsumers: null, memory: null, cpu: null,
  messagesIn: null, messagesOut: null, bytesIn: null, bytesOut: null, stored: null, leadsMeta: false, streamsLed: null, routes: null, gateways: null, leafs: null };
const peer = (name, text, state = "ready") => ({ ...unknown, name, state, text });

const replicas = (cluster, leader) => (cluster?.replicas ?? []).filter((one) => one.name !== leader)
  .map((one) => ({ server: one.name, isCurrent: one.current === true, isOffline: one.offline === true, lag: one.lag ?? 0 }));

const groupOf = (cluster, me) => {
  const leader = cluster ? cluster.leader ?? null : me;
  const others = replicas(cluster, leader);
  if (leader === me || others.length === 0) return { leader, replicas: others };
  // How far others are a leader alone can tell; of its own place a Go server says nothing.
  const told = others.map((one) => one.server === me ? one : { ...one, isCurrent: null, lag: 0 });
  return { leader, replicas: told.some((one) => one.server === me) ? told : [{ server: me, isCurrent: null, isOffline: false, lag: 0 }, ...told] };
};

const streamsOf = (jsz, me, cluster) => (jsz.account_details ?? []).flatMap((account) => (account.stream_detail ?? []).map((stream) => {
  const consumers = stream.consumer_detail ?? [];
  const view = { account: account.name, name: stream.name, cluster, ...groupOf(stream.cluster, me), messages: stream.state.messages, bytes: stream.state.bytes, lastSequence: stream.state.last_seq,
    consumers: consumers.slice(0, CONSUMERS).map((one) => ({ name: one.name, ...groupOf(one.cluster, me), pending: one.num_pending, ackPending: one.num_ack_pending, redelivered: one.num_redelivered })),
    consumersLeftOut: Math.max(0, consumers.length - CONSUMERS), noConsumers: stream.cluster?.leader === me ? "none" : "none led here" };
  note(`stream ${account.name} ${stream.name}`, `stream ${account.name} > ${stream.name}`, view.leader);
  return view;
})).sort((one, other) => `${one.account} ${one.name}`.localeCompare(`${other.account} ${other.name}`));

// Who is joined by a route; who was, or belongs to the meta group, and is not heard.
const peersOf = (routez, meta, me, isAlone) => {
  const joined = new Map((routez.routes ?? []).map((route) => [route.remote_name || route.remote_id, route.rtt]));
  for (const name of joined.keys()) seen.set(name, Date.now());
  const absent = new Set([...seen.keys(), ...(isAlone ? (meta?.replicas ?? []).map((one) => one.name) : [])]);
  return [...new Set([...joined.keys(), ...absent])].filter((name) => name !== me).sort().map((name) => joined.has(name)
    ? peer(name, `joined by a route, ${joined.get(name) || "no"} round trip`)
    : peer(name, seen.has(name) ? `no route since ${new Date(seen.get(name)).toLocaleTimeString()}` : "no route", "failed"));
};

// Other clusters: servers are told by their ids; names are known of one other cluster only, from the meta group.
const othersOf = (gatewayz, meta, mine) => {
  const names = [...new Set([...Object.keys(gatewayz.outbound_gateways ?? {}), ...Object.keys(gatewayz.inbound_gateways ?? {})])].sort();
  return names.map((name) => {
    const joined = [gatewayz.outbound_gateways?.[name], ...(gatewayz.inbound_gateways?.[name] ?? [])].filter((one) => one?.connection);
    const ids = [...new Set(joined.map((one) => one.connection.name))];
    const members = names.length === 1 ? (meta?.replicas ?? []).filter((one) => !mine.has(one.name)) : [];
    const servers = members.length > 0
      ? members.map((one) => peer(one.name, one.offline ? "not heard by the meta leader" : "in the meta group", one.offline ? "failed" : "ready"))
      : ids.map((id) => peer(`${id.slice(0, 4)}…${id.slice(-4)}`, "joined by a gateway"));
    return { name, isLeaf: false, hub: null, domain: null, gateways: [gatewayz.name], servers };
  });
};

const snapshot = (pages, ailment, at) => {
  const { varz, routez, gatewayz, leafz, jsz } = pages;
  const me = varz.server_name;
  const spokes = (leafz.leafs ?? []).filter((leaf) => leaf.is_spoke);
  const cluster = { name: gatewayz.name ?? varz.cluster?.name ?? me, isLeaf: spokes.length > 0, hub: spokes.length > 0 ? `${spokes[0].name} (hub)` : null, domain: jsz.config?.domain ?? null, gateways: [] };
  const meta = jsz.meta_cluster;
  const peers = peersOf(routez, meta, me, !gatewayz.name);
  const others = othersOf(gatewayz, meta, new Set([me, ...peers.map((one) => one.name)]));
  cluster.gateways = others.map((other) => other.name);
  const hubs = spokes.length > 0 ? [{ name: cluster.hub, isLeaf: false, hub: null, domain: null, gateways: [], servers: [peer(spokes[0].name, "the hub")] }] : [];
  const leafs = [...new Set((leafz.leafs ?? []).filter((leaf) => !leaf.is_spoke).map((leaf) => leaf.name))]
    .map((name) => ({ name: `${name} (leaf)`, isLeaf: true, hub: cluster.name, domain: null, gateways: [], servers: [{ ...peer(name, "joined as a leaf node"), leafs: 1 }] }));
  const streams = streamsOf(jsz, me, cluster.name);
  const leader = meta ? meta.leader ?? null : jsz.disabled ? null : me;
  note("meta", "the meta group", leader);
  const [messagesIn, messagesOut, bytesIn, bytesOut] = rates(varz, at);
  const self = { ...unknown, name: me, state: ailment ? "unhealthy" : "ready", text: ailment ?? "ready", client: `${varz.host}:${varz.port}`, monitor: new URL("..", location.href).href, version: varz.version, uptime: varz.uptime,
    connections: varz.connections, subscriptions: varz.subscriptions, slowConsumers: varz.slow_consumers, memory: varz.mem, cpu: varz.cpu, messagesIn, messagesOut, bytesIn, bytesOut,
    stored: (jsz.storage ?? 0) + (jsz.memory ?? 0), streamsLed: streams.filter((one) => one.leader === me).length,
    routes: peers.filter((one) => one.state === "ready").map((one) => one.name), leafs: leafz.leafnodes ?? 0,
    gateways: Object.entries(gatewayz.outbound_gateways ?? {}).filter(([, one]) => one.connection).map(([name]) => name) };
  const clusters = [...hubs, { ...cluster, servers: [self, ...peers] }, ...others, ...leafs];
  for (const server of clusters.flatMap((one) => one.servers)) server.leadsMeta = server.name === leader;
  const group = { name: meta?.name ?? cluster.name, leader, size: meta?.cluster_size ?? 1, replicas: replicas(meta, leader) };
  return { viewpoint: me, clusters, metaGroups: jsz.disabled ? [] : [group], streams: streams.slice(0, STREAMS), streamsLeftOut: Math.max(0, streams.length - STREAMS), elections: [...elections] };
};

const look = async () => {
  const [health, ...found] = await Promise.all([read("healthz"), ...Object.values(PAGES).map(read)]);
  const pages = Object.fromEntries(Object.keys(PAGES).map((name, i) => [name, found[i]]));
  return snapshot(pages, health.status === "ok" ? null : health.error ?? health.status, performance.now());
};

/** Looks again and again, at most a tenth of the time, and not while nobody sees the page. */
export const watchServer = async (show, fail) => {
  for (;;) {
    const began = performance.now();
    if (document.visibilityState === "visible") {
      try {
        show(await look());
      } catch (error) {
        fail(error instanceof TypeError || error.name === "TimeoutError" ? "The server does not answer. Is it stopped?" : `The server's pages cannot be read: ${error.message}`);
      }
    }
    await new Promise((next) => setTimeout(next, Math.max(PAUSE, 9 * (performance.now() - began))));
  }
};
