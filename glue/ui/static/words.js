// Figures, times and shapes as people read them.

export const number = (value) => (value === null || value === undefined ? "–" : Number(value).toLocaleString("en"));

export function rate(value) {
  if (value === null || value === undefined) return "–";
  if (value >= 1000) return `${(value / 1000).toFixed(1)}k/s`;
  if (value >= 10) return `${Math.round(value)}/s`;
  return value >= 0.05 ? `${value.toFixed(1)}/s` : "0/s";
}

export function ago(milliseconds, now = Date.now()) {
  if (!milliseconds) return "none yet";
  const seconds = Math.max(0, Math.round((now - milliseconds) / 1000));
  if (seconds < 90) return `${seconds} s ago`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
  return seconds < 172800 ? `${Math.round(seconds / 3600)} h ago` : `${Math.round(seconds / 86400)} days ago`;
}

export const clock = (milliseconds) => new Date(milliseconds).toLocaleTimeString("en-GB");

// An element: tag.class, attributes, children; text is always text, never markup.
export function make(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

// A name that may be broken after its dots and dashes.
export function breakable(name) {
  return name.split(/(?<=[._:-])/).flatMap((part) => [part, document.createElement("wbr")]);
}

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const SVG = "http://www.w3.org/2000/svg";

export function shape(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

function icon(paths, kind) {
  const svg = shape("svg", { viewBox: "0 0 16 16", class: kind, "aria-hidden": "true", focusable: "false" });
  for (const [fill, d] of paths) svg.append(shape("path", { d, class: fill }));
  return svg;
}

// Each state has a shape of its own: a disc with a tick, a ring, a triangle, a square with a cross, a dashed ring.
const STATES = {
  ok: [["solid", "M8 1.5a6.5 6.5 0 1 1 0 13a6.5 6.5 0 0 1 0-13z"], ["cut", "M5 8.2l2.1 2.2L11 6"]],
  idle: [["line", "M8 2.5a5.5 5.5 0 1 1 0 11a5.5 5.5 0 0 1 0-11z"]],
  warn: [["solid", "M8 1.2 15.2 14H.8z"], ["cut", "M8 6v3.6M8 11.4v.6"]],
  fail: [["solid", "M2 2h12v12H2z"], ["cut", "M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2"]],
  unknown: [["dash", "M8 2.5a5.5 5.5 0 1 1 0 11a5.5 5.5 0 0 1 0-11z"], ["line", "M8 5.4v3.2M8 10.4v.4"]],
};
const KINDS = {
  source: [["line", "M8 9.5v4.5M4.5 14h7M8 9.5a1.6 1.6 0 1 0 0-3.2a1.6 1.6 0 0 0 0 3.2zM4.6 11a4.4 4.4 0 0 1 0-6.2M11.4 11a4.4 4.4 0 0 0 0-6.2M2.5 13a7.3 7.3 0 0 1 0-10.2M13.5 13a7.3 7.3 0 0 0 0-10.2"]],
  topic: [["line", "M2 4.5h12M2 8h12M2 11.5h8"]],
  chain: [["line", "M1.8 3h12.4L9.6 8.4V13l-3.2 1V8.4z"]],
  connector: [["line", "M5.5 1.8v3.4M10.5 1.8v3.4M3.6 5.2h8.8v2.4a4.4 4.4 0 0 1-8.8 0zM8 12v2.4"]],
  store: [["line", "M2.5 3.8c0-1.2 2.5-2 5.5-2s5.5.8 5.5 2-2.5 2-5.5 2-5.5-.8-5.5-2zM2.5 3.8v8.4c0 1.2 2.5 2 5.5 2s5.5-.8 5.5-2V3.8M2.5 8c0 1.2 2.5 2 5.5 2s5.5-.8 5.5-2"]],
  "dead letters": [["line", "M1.8 3.5h12.4v9H1.8zM1.8 4l6.2 4.8L14.2 4"]],
};
export const stateIcon = (state) => icon(STATES[state] || STATES.unknown, `state ${state}`);
export const kindIcon = (kind) => icon(KINDS[kind] || KINDS.topic, "kind-icon");
export const STATE_WORDS = { ok: "healthy", idle: "idle", warn: "check", fail: "failed", unknown: "unknown" };

// The figures of a part in one short line.
export function figures(node) {
  if (node.state !== "ok" && node.state !== "idle" && node.why) return node.why;
  switch (node.kind) {
    case "source":
      return node.newest ? `${rate(node.rate)} · ${ago(node.newest)}` : "no record yet";
    case "topic":
      return `${rate(node.rate)} · ${number(node.records)} held`;
    case "chain":
      return `${rate(node.rate)} · lag ${number(node.lag)}`;
    case "connector":
      return `${node.running}/${node.tasks} tasks · lag ${number(node.lag)}`;
    case "store":
      return `${rate(node.rate)} arriving`;
    default:
      return node.open ? `${number(node.open)} open` : "none open";
  }
}
