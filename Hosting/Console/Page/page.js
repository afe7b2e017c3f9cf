// The console: what comes as events is drawn, what is clicked is confirmed and posted.
import { drawMap, gatewayState, leafState } from "./map.js";

const $ = (id) => document.getElementById(id);
const token = new URLSearchParams(location.search).get("token");
const MAX_LINES = 2000;
let state = { clusters: [], metaGroups: [], streams: [], elections: [] };
let lines = [];
let openServer = null;

const element = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) key.startsWith("on") ? made.addEventListener(key.slice(2), value) : made.setAttribute(key, value);
  made.append(...children);
  return made;
};

// Rows keep their elements while their keys stay, so that focus and selection survive an update.
const sync = (parent, items, key, create, update) => {
  const old = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  items.forEach((item, index) => {
    const name = key(item);
    let child = old.get(name);
    if (!child) {
      child = create(item);
      child.dataset.key = name;
    }
    old.delete(name);
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null);
    update(child, item);
  });
  for (const child of old.values()) child.remove();
};

const put = (cell, text, kind) => {
  if (cell.textContent !== text) cell.textContent = text;
  if (kind !== undefined && cell.className !== kind) cell.className = kind;
};
const size = (bytes) => {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (bytes >= 1024 && unit < units.length - 1) { bytes /= 1024; unit++; }
  return `${unit === 0 || bytes >= 100 ? Math.round(bytes) : bytes.toFixed(1)} ${units[unit]}`;
};
const count = (number) => number >= 1e6 ? `${(number / 1e6).toFixed(1)} M` : number >= 1e4 ? `${(number / 1e3).toFixed(1)} k` : `${Math.round(number)}`;
const servers = () => state.clusters.flatMap((cluster) => cluster.servers);
const clusterOf = (name) => state.clusters.find((cluster) => cluster.servers.some((server) => server.name === name));

const post = async (command) => {
  try {
    const response = await fetch("command", { method: "POST", headers: { "X-Token": token, "Content-Type": "application/json" }, body: JSON.stringify(command) });
    if (!response.ok) return { done: false, text: await response.text() };
    return await response.json();
  } catch {
    return { done: false, text: "The runner does not answer." };
  }
};

let toastTimer;
const toast = (text) => {
  $("toast").textContent = text;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { $("toast").textContent = ""; }, 6000);
};

const ask = (title, text, verb, command) => {
  $("confirm-title").textContent = title;
  $("confirm-text").textContent = text;
  $("confirm-yes").textContent = verb;
  $("confirm-yes").onclick = async () => {
    $("confirm").close();
    toast((await post(command)).text);
  };
  $("confirm").showModal();
  $("confirm-no").focus();
};
$("confirm-no").onclick = () => $("confirm").close();

const actions = [
  ["Reload", "Reload", "It reads its configuration again; clients stay connected."],
  ["LameDuck", "Lame duck", "It sends its clients to other servers, then ends and stays stopped."],
  ["Restart", "Restart", "It is stopped in order and started again."],
  ["Kill", "Kill", "It ends at once, as by a crash, and is started again after 12 seconds, when the others have elected without it."],
  ["Stop", "Stop", "It is stopped in order, until you start it."],
  ["Start", "Start", "It is started again."],
];
const stepDownMeta = (group) => ask(`Step down the meta leader of ${group.name}?`, `${group.leader} hands over; another server is elected.`, "Step down", { command: "StepDownMeta", cluster: group.clusters[0] });

const showServer = (name) => {
  openServer = name;
  $("server-name").textContent = name;
  $("server-actions").replaceChildren(...actions.map(([command, verb, text]) =>
    element("button", { type: "button", id: `do-${command}`, onclick: () => ask(`${verb} ${name}?`, text, verb, { command, server: name }) }, verb)));
  drawServer();
  $("server-dialog").showModal();
};
$("server-dialog").addEventListener("close", () => { openServer = null; });

const drawServer = () => {
  const server = servers().find((one) => one.name === openServer);
  if (!server) return;
  const stopped = server.state === "stopped";
  $("do-Start").hidden = !stopped;
  for (const [command] of actions) if (command !== "Start") $(`do-${command}`).hidden = stopped;
  const facts = { State: server.text, Clients: server.client, Monitoring: server.monitor, Version: server.version, Uptime: server.uptime, Process: server.pid || "none",
    Crashes: server.crashes, Subscriptions: count(server.subscriptions), "Slow consumers": server.slowConsumers, "Leads streams": server.streamsLed, Routes: server.routes.join(", ") || "none" };
  $("server-facts").replaceChildren(...Object.entries(facts).flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, `${value}`)]));
};

const linksOf = (server, cluster) => {
  const parts = [];
  if (cluster.servers.length > 1) parts.push([`routes ${server.routes.length}/${cluster.servers.length - 1}`, server.routes.length === cluster.servers.length - 1]);
  if (cluster.gateways.length > 0) parts.push([`gateways ${server.gateways.length}/${cluster.gateways.length}`, server.gateways.length === cluster.gateways.length]);
  if (cluster.isLeaf) parts.push([`hub ${server.leafs > 0 ? "joined" : "away"}`, server.leafs > 0]);
  else if (server.leafs > 0) parts.push([`leaf nodes ${server.leafs}`, true]);
  return parts;
};

const drawServers = () => sync($("servers"), servers(), (server) => server.name, (server) => {
  const labels = ["", "", "connections", "in/s", "out/s", "in", "out", "memory", "CPU", "stored", "links"];
  const row = element("tr", {}, ...labels.map((label) => element("td", label ? { "data-label": label } : {})));
  row.append(element("td", {}, element("button", { type: "button", "aria-label": `Actions of ${server.name}`, onclick: () => showServer(server.name) }, "Actions")));
  row.children[0].append(element("strong", {}, server.name));
  return row;
}, (row, server) => {
  const cells = row.children;
  put(cells[0].firstChild, `${server.leadsMeta ? "★ " : ""}${server.name}`);
  put(cells[1], server.text + (server.crashes > 0 && server.state !== "failed" ? ` (crashed ${server.crashes}×)` : ""), `text ${server.state === "ready" ? "good" : server.state === "failed" ? "bad" : "warn"}`);
  [count(server.connections), count(server.messagesIn), count(server.messagesOut), `${size(server.bytesIn)}/s`, `${size(server.bytesOut)}/s`, size(server.memory), `${server.cpu.toFixed(0)} %`, size(server.stored)]
    .forEach((text, i) => put(cells[i + 2], text, "n"));
  const links = linksOf(server, clusterOf(server.name));
  put(cells[10], links.map(([text]) => text).join(", "), server.state === "ready" && links.some(([, good]) => !good) ? "text warn" : "text");
});

const drawMetas = () => sync($("metas"), state.metaGroups, (group) => group.name, () =>
  element("li", {}, element("strong"), element("span"), element("button", { type: "button" }, "Step down")), (row, group) => {
  const [leader, text, button] = row.children;
  put(leader, group.leader ?? "Nobody", group.leader ? "" : "bad");
  leader.id = row === $("metas").firstElementChild ? "meta-leader" : "";
  put(text, group.leader ? ` leads ${group.name} (${group.size} ${group.size === 1 ? "server" : "servers"}) ` : ` leads ${group.name}: electing `);
  button.hidden = !group.leader || group.size === 1;
  button.setAttribute("aria-label", `Step down the meta leader of ${group.name}`);
  button.onclick = () => stepDownMeta(group);
});

const replicasOf = (stream) => stream.replicas.map((one) => `${one.server}${one.isOffline ? " offline" : one.lag > 0 ? ` ${one.lag} behind` : one.isCurrent ? "" : " catching up"}`).join(", ") || "none";
const consumersOf = (stream) => stream.consumers.map((one) => `${one.name}${one.leader && one.leader !== stream.leader ? ` on ${one.leader}` : one.leader ? "" : " without leader"}: ${count(one.pending)} pending, ${count(one.ackPending)} unacknowledged`).join("; ")
  + (stream.consumersLeftOut ? `; ${stream.consumersLeftOut} more` : "");

const drawStreams = () => {
  $("no-streams").hidden = state.streams.length > 0;
  sync($("streams"), state.streams, (stream) => `${stream.account}/${stream.name}/${stream.cluster}`, (stream) => {
    const row = element("tr", {}, ...["", "leader", "replicas", "messages", "size", "consumers"].map((label) => element("td", label ? { "data-label": label } : {})));
    row.append(element("td", {}, element("button", { type: "button", "aria-label": `Step down the leader of stream ${stream.name}` }, "Step down")));
    return row;
  }, (row, stream) => {
    const cells = row.children;
    put(cells[0], `${stream.account === "$G" ? "" : `${stream.account} › `}${stream.name}`);
    put(cells[1], stream.leader ?? "electing", stream.leader ? "" : "bad");
    put(cells[2], replicasOf(stream), `text ${stream.replicas.some((one) => one.isOffline) ? "bad" : stream.replicas.some((one) => !one.isCurrent) ? "warn" : ""}`);
    put(cells[3], count(stream.messages), "n");
    put(cells[4], size(stream.bytes), "n");
    put(cells[5], consumersOf(stream), "text");
    const button = cells[6].firstChild;
    button.hidden = stream.replicas.length === 0;
    button.onclick = () => ask(`Step down the leader of ${stream.name}?`, `${stream.leader ?? "Its leader"} hands over to a replica.`, "Step down",
      { command: "StepDownStream", cluster: stream.cluster, account: stream.account, stream: stream.name });
  });
};

const drawElections = () => sync($("elections"), state.elections, (one) => `${one.time} ${one.what}`, (one) => element("li", {},
  element("time", { datetime: one.time }, new Date(one.time).toLocaleTimeString()), ` ${one.leader} leads ${one.what}${one.before ? `, after ${one.before}` : ""}`), () => {});

const drawSummary = () => {
  const all = servers();
  const ready = all.filter((server) => server.state === "ready").length;
  const leaderless = state.metaGroups.filter((group) => !group.leader).length + state.streams.filter((stream) => !stream.leader).length;
  const links = state.clusters.flatMap((one) => [...(one.isLeaf ? [leafState(one)] : []), ...state.clusters.filter((other) => one.gateways.includes(other.name) && one.name < other.name).map((other) => gatewayState(one, other))]);
  const broken = links.filter(([kind]) => kind !== "").length;
  const parts = [`${ready} of ${all.length} servers ready`];
  if (links.length > 0) parts.push(broken === 0 ? `${links.length} links up` : `${broken} of ${links.length} links broken`);
  parts.push(leaderless > 0 ? `${leaderless} without a leader` : `${state.streams.length} ${state.streams.length === 1 ? "stream" : "streams"}`);
  const messages = all.reduce((sum, server) => sum + server.messagesIn, 0);
  parts.push(`${count(messages)} messages/s in`);
  put($("summary"), parts.join(" · "), ready === all.length && leaderless === 0 && broken === 0 ? "" : "bad");
};

const fillChoices = () => {
  const fill = (select, names, first) => {
    const wanted = [...first, ...names.map((name) => [name, name])];
    if (select.options.length === wanted.length) return;
    select.replaceChildren(...wanted.map(([value, text]) => element("option", { value }, text)));
  };
  fill($("log-server"), servers().map((server) => server.name), [["", "all servers"]]);
  fill($("trace-cluster"), state.clusters.map((cluster) => cluster.name), []);
};

const drawLogs = () => {
  const [server, level, text] = [$("log-server").value, $("log-level").value, $("log-text").value.toLowerCase()];
  const wanted = lines.filter((line) => (!server || line.server === server)
    && (!level || (level === "WRN" ? ["WRN", "ERR", "FTL"].includes(line.level) : line.level === level))
    && (!text || line.text.toLowerCase().includes(text)));
  const host = $("logs");
  const atEnd = host.scrollHeight - host.scrollTop - host.clientHeight < 40;
  host.replaceChildren(...wanted.slice(-400).map((line) => element("span", { class: ["ERR", "FTL"].includes(line.level) ? "bad" : line.level === "WRN" ? "warn" : line.level === "RUN" ? "good" : "" }, `${line.server ?? "runner"} ${line.text}\n`)));
  if (atEnd) host.scrollTop = host.scrollHeight;
};
for (const id of ["log-server", "log-level", "log-text"]) $(id).addEventListener("input", drawLogs);
$("log-filter").addEventListener("submit", (event) => event.preventDefault());

$("trace").addEventListener("submit", async (event) => {
  event.preventDefault();
  const answer = await post({ command: "Trace", subject: $("trace-subject").value.trim(), cluster: $("trace-cluster").value });
  $("hops").replaceChildren(element("li", { class: answer.done ? "" : "bad" }, answer.text), ...(answer.hops ?? []).map((hop) =>
    element("li", {}, element("strong", {}, hop.server), ` ${hop.event}`, hop.error ? element("span", { class: "bad" }, `: ${hop.error}`) : "")));
});

const themes = [null, "dark", "light"];
const setTheme = (theme) => {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  $("theme").textContent = `Theme: ${theme ?? "system"}`;
  localStorage.setItem("theme", theme ?? "");
};
setTheme(localStorage.getItem("theme") || null);
$("theme").onclick = () => setTheme(themes[(themes.indexOf(document.documentElement.dataset.theme ?? null) + 1) % themes.length]);

const draw = () => {
  drawMap($("map"), state.clusters, showServer);
  drawMetas();
  drawServers();
  drawStreams();
  drawElections();
  drawSummary();
  fillChoices();
  drawServer();
};
addEventListener("resize", () => state.clusters.length > 0 && drawMap($("map"), state.clusters, showServer));

const events = new EventSource(`events?token=${encodeURIComponent(token)}`);
events.addEventListener("snapshot", (event) => {
  state = JSON.parse(event.data);
  if (state.clusters.length > 0) draw();
});
events.addEventListener("log", (event) => {
  const fresh = JSON.parse(event.data).filter((line) => lines.length === 0 || line.number > lines[lines.length - 1].number);
  lines = [...lines, ...fresh].slice(-MAX_LINES);
  drawLogs();
});
events.onerror = () => put($("summary"), "The runner does not answer. Is it stopped?", "bad");
