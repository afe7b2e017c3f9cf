// Commands: asked about, posted with the token, answered in a line at the bottom.
import { $ } from "./parts.js";

export const token = new URLSearchParams(location.search).get("token");

/** Without a token the page shows what a server tells on its monitoring port, and commands nothing. */
export const isReadOnly = token === null;

export const post = async (command) => {
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

export const ask = (title, text, verb, command) => {
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
