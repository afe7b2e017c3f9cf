// The console: what comes as events is drawn, what is clicked is confirmed and posted.
import { drawMap, gatewayState, leafState } from "./map.js";
import { $, element, sync, put, size, rate, percent, count, plural } from "./parts.js";
import { ask, isReadOnly, token } from "./commands.js";
import { drawStreams, replicasOf, replicaState } from "./streams.js";
import { watchServer } from "./monitor.js";
import "./trace.js";

const MAX_LINES = 2000;
let state = { clusters: [], metaGroups: [], streams: [], streamsLeftOut: 0, elections: [], accounts: [] };
let lines = [];
let openServer = null;

const servers = () => state.clusters.flatMap((cluster) => cluster.servers);
const clusterOf = (name) => state.clusters.find((cluster) => cluster.servers.some((server) => server.name === name));

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
  $("server-actions").hidden = isReadOnly;
  for (const [command] of actions) $(`do-${command}`).hidden = stopped === (command !== "Start");
  const facts = { State: server.text, Clients: server.client, Monitoring: server.monitor, Version: server.version, Uptime: server.uptime, Process: isReadOnly ? null : server.pid || "none",
    Crashes: isReadOnly ? null : server.crashes, Subscriptions: server.subscriptions === null ? null : count(server.subscriptions), "Slow consumers": server.slowConsumers,
    "Leads streams": server.streamsLed, Routes: server.routes && (server.routes.join(", ") || "none") };
  $("server-facts").replaceChildren(...Object.entries(facts).filter(([, value]) => value !== null).flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, `${value}`)]));
};

const linksOf = (server, cluster) => {
  const parts = [];
  if (server.routes === null) return parts;
  if (cluster.servers.length > 1) parts.push([`routes ${server.routes.length}/${cluster.servers.length - 1}`, server.routes.length === cluster.servers.length - 1]);
  if (cluster.gateways.length > 0) parts.push([`gateways ${server.gateways.length}/${cluster.gateways.length}`, server.gateways.length === cluster.gateways.length]);
  if (cluster.isLeaf) parts.push([`hub ${server.leafs > 0 ? "joined" : "away"}`, server.leafs > 0]);
  else if (server.leafs > 0) parts.push([`leaf nodes ${server.leafs}`, true]);
  return parts;
};

const drawServers = () => sync($("servers"), servers(), (server) => server.name, (server) => {
  const labels = ["", "", "connections", "in/s", "out/s", "in", "out", "memory", "CPU", "stored", "links"];
  const row = element("tr", {}, ...labels.map((label) => element("td", label ? { "data-label": label } : {})));
  row.append(element("td", {}, element("button", { type: "button", "aria-label": `${isReadOnly ? "Details" : "Actions"} of ${server.name}`, onclick: () => showServer(server.name) }, isReadOnly ? "Details" : "Actions")));
  row.children[0].append(element("strong", {}, server.name));
  return row;
}, (row, server) => {
  const cells = row.children;
  put(cells[0].firstChild, `${server.leadsMeta ? "★ " : ""}${server.name}`);
  put(cells[1], server.text + (server.crashes > 0 && server.state !== "failed" ? ` (crashed ${server.crashes}×)` : ""), `text ${server.state === "ready" ? "good" : server.state === "failed" ? "bad" : "warn"}`);
  [count(server.connections), count(server.messagesIn), count(server.messagesOut), rate(server.bytesIn), rate(server.bytesOut), size(server.memory), percent(server.cpu), size(server.stored)]
    .forEach((text, i) => put(cells[i + 2], text, "n"));
  const links = linksOf(server, clusterOf(server.name));
  put(cells[10], links.map(([text]) => text).join(", "), server.state === "ready" && links.some(([, good]) => !good) ? "text warn" : "text");
});

const drawMetas = () => sync($("metas"), state.metaGroups, (group) => group.name, () =>
  element("li", {}, element("strong"), element("span"), element("button", { type: "button" }, "Step down"), element("p")), (row, group) => {
  const [leader, text, button, replicas] = row.children;
  put(leader, group.leader ?? "Nobody", group.leader ? "" : "bad");
  leader.id = row === $("metas").firstElementChild ? "meta-leader" : "";
  put(text, group.leader ? ` leads ${group.name} (${group.size} ${group.size === 1 ? "server" : "servers"}) ` : ` leads ${group.name}: electing `);
  put(replicas, group.replicas.length > 0 ? `followers: ${replicasOf(group)}` : "", `plain ${replicaState(group) || "quiet"}`);
  button.hidden = isReadOnly || !group.leader || group.size === 1;
  button.setAttribute("aria-label", `Step down the meta leader of ${group.name}`);
  button.onclick = () => stepDownMeta(group);
});

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
  parts.push(leaderless > 0 ? `${leaderless} without a leader` : plural(state.streams.length + state.streamsLeftOut, "stream"));
  const messages = all.reduce((sum, server) => sum + (server.messagesIn ?? 0), 0);
  parts.push(`${count(messages)} messages/s in`);
  put($("summary"), parts.join(" · "), ready === all.length && leaderless === 0 && broken === 0 ? "" : "bad");
};

const fillChoices = () => {
  const fill = (select, names, first) => {
    const wanted = [...first, ...names.map((name) => [name, name])];
    if (select.options.length === wanted.length && wanted.every(([value], i) => select.options[i].value === value)) return;
    const before = select.value;
    select.replaceChildren(...wanted.map(([value, text]) => element("option", { value }, text)));
    if (wanted.some(([value]) => value === before)) select.value = before;
  };
  fill($("log-server"), servers().map((server) => server.name), [["", "all servers"]]);
  fill($("trace-account"), state.accounts, []);
  $("trace-accounts").hidden = state.accounts.length === 0;
  fill($("trace-cluster"), state.clusters.map((cluster) => cluster.name), []);
};

const drawLogs = () => {
  const [server, level, text] = [$("log-server").value, $("log-level").value, $("log-text").value.toLowerCase()];
  const wanted = lines.filter((line) => (!server || line.server === server)
    && (!level || (level === "WRN" || level === "ERR" ? ["ERR", "FTL", level].includes(line.level) : line.level === level))
    && (!text || line.text.toLowerCase().includes(text)));
  const host = $("logs");
  const atEnd = host.scrollHeight - host.scrollTop - host.clientHeight < 40;
  host.replaceChildren(...wanted.slice(-400).map((line) => element("span", { class: ["ERR", "FTL"].includes(line.level) ? "bad" : line.level === "WRN" ? "warn" : line.level === "RUN" ? "good" : "" }, `${line.server ?? "runner"} ${line.text}\n`)));
  if (atEnd) host.scrollTop = host.scrollHeight;
};
for (const id of ["log-server", "log-level", "log-text"]) $(id).addEventListener("input", drawLogs);
$("log-filter").addEventListener("submit", (event) => event.preventDefault());

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
  drawStreams(state.streams, state.streamsLeftOut);
  drawElections();
  drawSummary();
  fillChoices();
  drawServer();
};
addEventListener("resize", () => state.clusters.length > 0 && drawMap($("map"), state.clusters, showServer));


const show = (snapshot) => {
  state = { ...state, ...snapshot };
  if (state.clusters.length > 0) draw();
};
const fail = (text) => put($("summary"), text, "bad");

const watchRun = () => {
  const events = new EventSource(`events?token=${encodeURIComponent(token)}`);
  events.addEventListener("snapshot", (event) => show(JSON.parse(event.data)));
  events.addEventListener("log", (event) => {
    const fresh = JSON.parse(event.data).filter((line) => lines.length === 0 || line.number > lines[lines.length - 1].number);
    lines = [...lines, ...fresh].slice(-MAX_LINES);
    drawLogs();
  });
  events.onerror = () => fail("The runner does not answer. Is it stopped?");
};

$("traces").hidden = $("log").hidden = isReadOnly;
$("viewpoint").hidden = !isReadOnly;
if (isReadOnly) watchServer((snapshot) => {
  put($("viewpoint"), `as ${snapshot.viewpoint} sees it, read-only`);
  show(snapshot);
}, fail);
else watchRun();
