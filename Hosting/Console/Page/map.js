// The map: clusters as circles with their servers on the rim, routes within, gateways and leaf links between.
const NS = "http://www.w3.org/2000/svg";
const CELL = 290, ROW = 250, RADIUS = 76;

const make = (name, attributes = {}, text) => {
  const element = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
};

// Clusters in rows as wide as there is room, each hub's leaf nodes in the rows below; in one column, where a line would
// cross what stands between, up to two leaf nodes at their hub's side.
const place = (clusters, columns) => {
  const beside = new Map();
  if (columns === 1) {
    for (const leaf of clusters.filter((one) => one.isLeaf && one.servers.length === 1)) {
      const taken = [...beside.values()].filter((hub) => hub === leaf.hub).length;
      if (taken < 2 && !beside.has(leaf.hub)) beside.set(leaf.name, leaf.hub);
    }
  }
  const rows = [];
  for (const level of levels(clusters)) {
    const inRows = level.filter((cluster) => !beside.has(cluster.name));
    for (let i = 0; i < inRows.length; i += columns) rows.push(inRows.slice(i, i + columns));
  }
  const width = Math.min(columns, Math.max(...rows.map((row) => row.length))) * CELL;
  const spots = new Map();
  rows.forEach((row, y) => row.forEach((cluster, x) => spots.set(cluster.name, {
    x: cluster.isLeaf && row.length === 1 ? spots.get(cluster.hub).x : width / 2 + (x - (row.length - 1) / 2) * CELL,
    y: y * ROW + ROW / 2,
    radius: cluster.servers.length > 1 ? RADIUS : 0,
  })));
  const used = new Map();
  for (const [name, hub] of beside) {
    const side = used.has(hub) ? -1 : 1;
    used.set(hub, true);
    spots.set(name, { x: spots.get(hub).x + side * 85, y: spots.get(hub).y + 118, radius: 0 });
  }
  const last = rows.at(-1);
  const spare = last.every((cluster) => cluster.servers.length === 1) ? 60 : 0;
  const more = last.some((cluster) => used.has(cluster.name)) ? 45 : 0;
  return { spots, width, height: rows.length * ROW - spare + more };
};

const levels = (clusters) => {
  const depth = (cluster) => cluster.isLeaf ? 1 + depth(clusters.find((other) => other.name === cluster.hub)) : 0;
  const found = [];
  for (const cluster of clusters) (found[depth(cluster)] ??= []).push(cluster);
  return found;
};

const spotOf = (cluster, index, spots) => {
  const { x, y, radius } = spots.get(cluster.name);
  const angle = (index / cluster.servers.length) * 2 * Math.PI - Math.PI / 2;
  return { x: x + radius * Math.cos(angle), y: y + radius * Math.sin(angle), above: radius > 0 && Math.sin(angle) < -0.3 };
};

// From rim to rim, so that a link does not cross the clusters it joins.
const link = (from, to, kind, title) => {
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  const [dx, dy] = [(to.x - from.x) / length, (to.y - from.y) / length];
  const [a, b] = [from.radius + 22, to.radius + 22];
  const line = make("line", { class: `link ${kind}`, x1: from.x + dx * a, y1: from.y + dy * a, x2: to.x - dx * b, y2: to.y - dy * b });
  line.append(make("title", {}, title));
  return line;
};

const isUp = (server) => server.state === "ready" || server.state === "unhealthy";

// Of servers that a single one tells of, links are not known: they are null.
const tellsOf = (link) => (server) => isUp(server) && server[link] !== null;

/** How a link between clusters stands: its class, and a sentence. */
export const linkState = (linked, total, what) => {
  const kind = total === 0 ? "off" : linked === total ? "" : linked > 0 ? "partial" : "down";
  return [kind, `${what}: ${linked} of ${total} servers joined`];
};

export const gatewayState = (one, other) => {
  const ends = [...one.servers.map((server) => [server, other.name]), ...other.servers.map((server) => [server, one.name])].filter(([server]) => tellsOf("gateways")(server));
  return linkState(ends.filter(([server, name]) => server.gateways.includes(name)).length, ends.length, `gateway ${one.name} – ${other.name}`);
};

export const leafState = (leaf) => {
  const up = leaf.servers.filter(tellsOf("leafs"));
  return linkState(up.filter((server) => server.leafs > 0).length, up.length, `leaf node ${leaf.name} – ${leaf.hub}`);
};

const drawRoutes = (cluster, spots, layer) => {
  cluster.servers.forEach((one, i) => cluster.servers.forEach((other, j) => {
    if (j <= i) return;
    const [a, b] = [spotOf(cluster, i, spots), spotOf(cluster, j, spots)];
    const isKnown = one.routes !== null || other.routes !== null;
    const joined = one.routes?.includes(other.name) || other.routes?.includes(one.name);
    const kind = !isUp(one) || !isUp(other) || !isKnown ? "off" : joined ? "" : "down";
    const line = make("line", { class: `link route ${kind}`, x1: a.x, y1: a.y, x2: b.x, y2: b.y });
    line.append(make("title", {}, `route ${one.name} – ${other.name}: ${kind === "" ? "up" : isKnown ? "down" : "not known here"}`));
    layer.append(line);
  }));
};

const drawServer = (server, spot, open, focused) => {
  const group = make("g", { class: `server ${server.state}`, tabindex: 0, role: "button", "data-server": server.name,
    "aria-label": `${server.name}: ${server.text}${server.leadsMeta ? ", meta leader" : ""}`, transform: `translate(${spot.x} ${spot.y})` });
  group.append(make("title", {}, `${server.name}: ${server.text}`), make("circle", { r: 14 }), make("text", { y: spot.above ? -21 : 30 }, server.name));
  if (server.leadsMeta) group.append(make("text", { class: "crown", y: 6 }, "★"));
  group.addEventListener("click", () => open(server.name));
  group.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    open(server.name);
  });
  if (focused === server.name) queueMicrotask(() => group.focus({ preventScroll: true }));
  return group;
};

export const drawMap = (host, clusters, open) => {
  const columns = Math.max(1, Math.min(4, Math.floor(host.clientWidth / CELL)));
  const focused = host.contains(document.activeElement) ? document.activeElement.dataset.server : null;
  const { spots, width, height } = place(clusters, columns);
  const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Clusters, routes, gateways and leaf nodes" });
  svg.style.maxWidth = `${width * 1.1}px`;
  for (const cluster of clusters) {
    for (const other of clusters) {
      if (other.name > cluster.name && (cluster.gateways.includes(other.name) || other.gateways.includes(cluster.name))) {
        const [kind, title] = gatewayState(cluster, other);
        svg.append(link(spots.get(cluster.name), spots.get(other.name), `gateway ${kind}`, title));
      }
    }
    if (cluster.isLeaf) {
      const [kind, title] = leafState(cluster);
      svg.append(link(spots.get(cluster.name), spots.get(cluster.hub), `leaf ${kind}`, title));
    }
  }
  for (const cluster of clusters) {
    const { x, y, radius } = spots.get(cluster.name);
    if (radius > 0) svg.append(make("circle", { class: "ring", cx: x, cy: y, r: radius }));
    drawRoutes(cluster, spots, svg);
    if (radius > 0 || cluster.servers.length === 0) svg.append(make("text", { x, y: y + 4 }, cluster.name));
    if (cluster.isLeaf) svg.append(make("text", { class: "quiet", x, y: y + (radius ? 20 : 46) }, cluster.domain ? `leaf, domain ${cluster.domain}` : "leaf node"));
    cluster.servers.forEach((server, i) => svg.append(drawServer(server, spotOf(cluster, i, spots), open, focused)));
  }
  host.replaceChildren(svg);
};
