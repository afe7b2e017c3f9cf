// A message that tells of its way: which servers it passes, by what, and where it ends.
import { $, element } from "./parts.js";
import { post } from "./commands.js";

// In one line: "client → edge-1 → leaf node → west-2 → stream orders"; a branch begins behind a semicolon.
const way = (hops) => {
  let [text, depth] = ["", -1];
  for (const hop of hops) {
    if (hop.kind === "in") {
      text += `${depth < 0 ? "" : hop.depth > depth ? " → " : "; "}${hop.by} → ${hop.server}`;
      depth = hop.depth;
    } else if (hop.kind === "js" && !hop.error) text += ` → ${hop.event.replace("is stored in ", "")}`;
  }
  return text;
};

const drawHop = (hop) => {
  const row = element("li", { class: `hop ${hop.kind}` }, ...(hop.kind === "in" ? [element("strong", {}, hop.server), hop.cluster ? ` (${hop.cluster}) ` : " "] : []),
    hop.event, hop.error ? element("span", { class: "bad" }, `: ${hop.error}`) : "");
  row.style.paddingInlineStart = `${hop.depth + (hop.kind === "in" ? 0 : 1)}rem`;
  return row;
};

$("trace").addEventListener("submit", async (event) => {
  event.preventDefault();
  const answer = await post({ command: "Trace", subject: $("trace-subject").value.trim(), payload: $("trace-payload").value, account: $("trace-account").value || null,
    cluster: $("trace-cluster").value, deliver: $("trace-deliver").checked });
  const hops = answer.hops ?? [];
  $("hops").replaceChildren(element("li", { class: answer.done ? "" : "bad" }, answer.text), ...(hops.length > 0 ? [element("li", { id: "way" }, way(hops))] : []), ...hops.map(drawHop));
});
