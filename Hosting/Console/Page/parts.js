// What all parts of the page are made of.
export const $ = (id) => document.getElementById(id);

export const element = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) key.startsWith("on") ? made.addEventListener(key.slice(2), value) : made.setAttribute(key, value);
  made.append(...children);
  return made;
};

// Rows keep their elements while their keys stay, so that focus and selection survive an update.
export const sync = (parent, items, key, create, update) => {
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

export const put = (cell, text, kind) => {
  if (cell.textContent !== text) cell.textContent = text;
  if (kind !== undefined && cell.className !== kind) cell.className = kind;
};

// What is not known is null, and shown as a dash.
const known = (format) => (value) => value === null || value === undefined ? "–" : format(value);

export const size = known((bytes) => {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (bytes >= 1024 && unit < units.length - 1) { bytes /= 1024; unit++; }
  return `${unit === 0 || bytes >= 100 ? Math.round(bytes) : bytes.toFixed(1)} ${units[unit]}`;
});
export const rate = known((bytes) => `${size(bytes)}/s`);
export const percent = known((value) => `${value.toFixed(0)} %`);
export const count = known((number) => number >= 1e6 ? `${(number / 1e6).toFixed(1)} M` : number >= 1e4 ? `${(number / 1e3).toFixed(1)} k` : `${Math.round(number)}`);
export const plural = (number, word) => `${count(number)} ${word}${number === 1 ? "" : "s"}`;
