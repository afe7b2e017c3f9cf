// Opens a page in a headless Chromium in which the official client talks to a server: node browser.mjs WS_URL ORIGIN_PORT.
// Prints "ok NAME" for each thing that worked there.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire, isBuiltin } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [url, port] = process.argv.slice(2);

// The client is CommonJS: its modules as functions, by path, with what each of them requires.
const modules = {};
const add = (path) => {
  if (modules[path]) return path;
  const source = readFileSync(path, "utf8");
  const requires = {};
  modules[path] = { source, requires };
  const resolve = createRequire(path).resolve;
  for (const [, name] of source.matchAll(/require\("([^"]+)"\)/g)) if (!isBuiltin(name)) requires[name] = add(resolve(name));
  return path;
};
const root = add(createRequire(import.meta.url).resolve("@nats-io/nats-core"));
const bundle = Object.entries(modules).map(([path, { source, requires }]) =>
  `define(${JSON.stringify(path)}, ${JSON.stringify(requires)}, function (module, exports, require) {\n${source}\n});`).join("\n");

const script = `
const known = {};
const define = (path, requires, body) => known[path] = { requires, body };
const load = (path) => {
  const entry = known[path];
  if (!entry) return {};
  if (!entry.module) {
    entry.module = { exports: {} };
    entry.body(entry.module, entry.module.exports, (name) => load(entry.requires[name]));
  }
  return entry.module.exports;
};
${bundle}
const lines = [];
const check = (name, good, seen) => { lines.push((good ? "ok " : "not ok ") + name + (good ? "" : ": " + seen)); if (!good) throw new Error(name); };
const run = async () => {
  const { wsconnect, headers } = load(${JSON.stringify(root)});
  const nc = await wsconnect({ servers: ${JSON.stringify(url)}, user: "web", pass: "pwd", name: "browser" });
  const text = (data) => new TextDecoder().decode(data);
  nc.subscribe("svc", { callback: (err, m) => { const h = headers(); h.set("By", "page"); m.respond("hello " + text(m.data), { headers: h }); } });
  const reply = await nc.request("svc", "you", { timeout: 5000 });
  check("request in a page", text(reply.data) === "hello you" && reply.headers.get("By") === "page", text(reply.data));
  for (const size of [0, 100, 5000, 70000, 900 * 1024]) {
    const sent = new Uint8Array(size).map((_, i) => (i * 7919) % 251);
    const sub = nc.subscribe("sized." + size, { max: 1 });
    nc.publish("sized." + size, sent);
    for await (const m of sub) check("payload of " + size, m.data.length === size && m.data.every((b, i) => b === sent[i]), m.data.length);
  }
  let count = 0;
  nc.subscribe("many", { callback: () => count++ });
  for (let i = 0; i < 5000; i++) nc.publish("many", "message number " + i);
  await nc.flush();
  check("many messages", count === 5000, count);
  await nc.drain();
  check("drain in a page", nc.isClosed(), "open");
};
run().catch((error) => lines.push("not ok page: " + error)).then(() => fetch("/result", { method: "POST", body: lines.join("\\n") }));
`;

const profile = mkdtempSync(join(tmpdir(), "natsaspire-chromium-"));
let browser;
const finish = (text) => {
  console.log(text);
  // The browser's group: its helpers write to the profile until they end.
  process.kill(-browser.pid, "SIGKILL");
  browser.once("exit", () => {
    rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    process.exit(0);
  });
};
const server = createServer((request, response) => {
  if (request.method !== "POST") {
    response.setHeader("Content-Type", request.url === "/page.js" ? "text/javascript" : "text/html");
    response.end(request.url === "/page.js" ? script : request.url === "/" ? '<!doctype html><script src="/page.js"></script>' : "");
    return;
  }
  let body = "";
  request.on("data", (chunk) => body += chunk).on("end", () => { response.end(); finish(body); });
});
server.listen(Number(port), "127.0.0.1", () => {
  const options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", `--user-data-dir=${profile}`];
  browser = spawn("chromium", [...options, `http://127.0.0.1:${port}/`], { stdio: "ignore", detached: true });
});
