// Streams, each with its consumers below it, unfolded while they are few.
import { $, element, sync, put, size, count, plural } from "./parts.js";
import { ask, isReadOnly } from "./commands.js";

const FEW = 12;
const chosen = new Map();
const LABELS = ["", "leader", "replicas", "messages", "size", "consumers"];

const keyOf = (stream) => `${stream.account}/${stream.name}/${stream.cluster}`;
const isOpen = (stream) => chosen.get(keyOf(stream)) ?? stream.consumers.length <= FEW;
const isBehind = (one) => one.isCurrent === false;

const replicaText = (one) => `${one.server}${one.isOffline ? " offline" : one.lag > 0 ? ` ${one.lag} behind` : isBehind(one) ? " catching up" : ""}`;
export const replicasOf = (group) => group.replicas.map(replicaText).join(", ") || "none";
export const replicaState = (group) => group.replicas.some((one) => one.isOffline) ? "bad" : group.replicas.some(isBehind) ? "warn" : "";

const rowsOf = (streams) => streams.flatMap((stream) => [
  { key: `s ${keyOf(stream)}`, stream },
  ...(isOpen(stream) ? stream.consumers.map((consumer) => ({ key: `c ${keyOf(stream)}/${consumer.name}`, stream, consumer })) : []),
  ...(isOpen(stream) && stream.consumersLeftOut > 0 ? [{ key: `m ${keyOf(stream)}`, stream, more: stream.consumersLeftOut }] : []),
]);

const createRow = (item, redraw) => {
  if (item.more) return element("tr", { class: "consumer" }, element("td", { colspan: 7, class: "quiet" }));
  const row = element("tr", item.consumer ? { class: "consumer" } : {}, ...LABELS.map((label, i) => element("td", label && !(item.consumer && i > 2) ? { "data-label": label } : {})));
  const what = item.consumer ? `consumer ${item.consumer.name}` : `stream ${item.stream.name}`;
  row.append(element("td", {}, element("button", { type: "button", "aria-label": `Step down the leader of ${what}` }, "Step down")));
  if (!item.consumer) {
    row.children[5].append(element("button", { type: "button", class: "fold", onclick: () => {
      chosen.set(row.dataset.fold, row.children[5].firstChild.getAttribute("aria-expanded") !== "true");
      redraw();
    } }));
  }
  return row;
};

const offerStepDown = (button, group, title, text, command) => {
  button.hidden = isReadOnly || group.replicas.length === 0;
  button.onclick = () => ask(title, text, "Step down", command);
};

const updateGroup = (cells, group) => {
  put(cells[1], group.leader ?? "electing", group.leader ? "" : "bad");
  put(cells[2], replicasOf(group), `text ${replicaState(group)}`);
};

const updateStream = (row, stream) => {
  const cells = row.children;
  row.dataset.fold = keyOf(stream);
  put(cells[0], `${stream.account === "$G" ? "" : `${stream.account} › `}${stream.name}`);
  updateGroup(cells, stream);
  put(cells[3], count(stream.messages), "n");
  put(cells[4], size(stream.bytes), "n");
  const fold = cells[5].firstChild;
  const total = stream.consumers.length + stream.consumersLeftOut;
  put(fold, total === 0 ? stream.noConsumers ?? "none" : plural(total, "consumer"));
  fold.disabled = total === 0;
  fold.setAttribute("aria-expanded", `${total > 0 && isOpen(stream)}`);
  offerStepDown(cells[6].firstChild, stream, `Step down the leader of ${stream.name}?`, `${stream.leader ?? "Its leader"} hands over to a replica.`,
    { command: "StepDownStream", cluster: stream.cluster, account: stream.account, stream: stream.name });
};

const updateConsumer = (row, stream, consumer) => {
  const cells = row.children;
  put(cells[0], `↳ ${consumer.name}`);
  updateGroup(cells, consumer);
  put(cells[3], `${count(consumer.pending)} pending`, "n");
  put(cells[4], `${count(consumer.ackPending)} unacknowledged`, "n");
  put(cells[5], consumer.redelivered > 0 ? `${count(consumer.redelivered)} redelivered` : "", consumer.redelivered > 0 ? "warn" : "");
  offerStepDown(cells[6].firstChild, consumer, `Step down the leader of consumer ${consumer.name}?`, `${consumer.leader ?? "Its leader"} hands over to a replica.`,
    { command: "StepDownConsumer", cluster: stream.cluster, account: stream.account, stream: stream.name, consumer: consumer.name });
};

export const drawStreams = (streams, leftOut) => {
  $("no-streams").hidden = streams.length > 0;
  $("more-streams").hidden = leftOut === 0;
  put($("more-streams"), leftOut > 0 ? `${plural(leftOut, "more stream")} not shown.` : "");
  const redraw = () => drawStreams(streams, leftOut);
  sync($("streams"), rowsOf(streams), (item) => item.key, (item) => createRow(item, redraw), (row, item) => {
    if (item.more) put(row.firstChild, `and ${plural(item.more, "more consumer")}`);
    else if (item.consumer) updateConsumer(row, item.stream, item.consumer);
    else updateStream(row, item.stream);
  });
};
