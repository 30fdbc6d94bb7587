// Asks the server every two seconds while somebody looks, and hands the answer to the views.
import { Graph } from "./graph.js";
import { Panel } from "./panel.js";
import { SearchBox } from "./search.js";
import { Table } from "./table.js";
import { clock, make, number, rate, setText, stateIcon, STATE_WORDS } from "./words.js";

const by = (id) => document.getElementById(id);
const graph = new Graph(by("graph"), open);
const table = new Table(by("table"), open);
const panel = new Panel(get, () => graph.select(null));
new SearchBox(get);
let paused = false;
let timer = 0;
let lastKey = "";

async function get(path, seconds = 15) {
  let answer;
  try {
    answer = await fetch(path, { signal: AbortSignal.timeout(seconds * 1000) });
  } catch {
    throw new Error("The program behind this page does not answer. Start it again: mxctl ui, or mxctl local up.");
  }
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error([body.error || `the server answered ${answer.status}`, body.fix].filter(Boolean).join(". "));
  return body;
}

function open(id, opener) {
  graph.select(id);
  panel.open(id, opener);
}

async function look() {
  clearTimeout(timer);
  if (paused || document.hidden) return;
  let every = 2;
  try {
    const data = await get("/api/graph");
    every = data.every;
    show(data);
    await panel.refresh();
  } catch (error) {
    verdict({ state: "unknown", text: error.message, key: "away" });
  }
  clearTimeout(timer);
  timer = setTimeout(look, every * 1000);
}

function show(data) {
  setText(by("profile"), data.profile);
  setText(by("updated"), `as of ${clock(data.at)}`);
  document.title = `${data.summary.state === "ok" ? "" : "! "}MillionX topology`;
  verdict(data.summary);
  const totals = [
    ["Incoming", rate(data.totals.in)],
    ["Stored", rate(data.totals.stored)],
    ["Lag", number(data.totals.lag)],
    ["Open dead letters", number(data.totals.dead)],
  ];
  by("totals").replaceChildren(...totals.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));
  const services = data.services.map((one) => {
    const state = one.ok ? "ok" : "fail";
    return make("li", { "data-state": state, title: one.text }, stateIcon(state), `${one.name} ${one.ok ? "answers" : "does not answer"}`);
  });
  by("services").replaceChildren(...services);
  graph.update(data);
  table.update(data);
}

function verdict({ state, text, key }) {
  if (by("verdict").dataset.shown !== state) {
    by("verdict").dataset.shown = state;
    by("verdict").dataset.state = state;
    by("verdict-mark").replaceChildren(stateIcon(state));
  }
  setText(by("verdict-text"), text);
  if (key !== lastKey) setText(by("news"), text); // changed counts are not news
  lastKey = key;
}

function view(name) {
  by("graph-view").hidden = name !== "graph";
  by("table-view").hidden = name !== "table";
  by("show-graph").setAttribute("aria-pressed", String(name === "graph"));
  by("show-table").setAttribute("aria-pressed", String(name === "table"));
  remember("view", name);
}

const THEMES = ["auto", "light", "dark"];
function theme(name) {
  if (name === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  setText(by("theme"), `Theme: ${name}`);
  remember("theme", name);
}

function remember(key, value) {
  try {
    localStorage.setItem(`millionx.${key}`, value);
  } catch {
    // a browser that keeps nothing still shows the page
  }
}

function remembered(key, values) {
  try {
    const value = localStorage.getItem(`millionx.${key}`);
    return values.includes(value) ? value : values[0];
  } catch {
    return values[0];
  }
}

by("show-graph").addEventListener("click", () => view("graph"));
by("show-table").addEventListener("click", () => view("table"));
by("theme").addEventListener("click", () => theme(THEMES[(THEMES.indexOf(remembered("theme", THEMES)) + 1) % THEMES.length]));
by("pause").addEventListener("click", () => {
  paused = !paused;
  by("pause").setAttribute("aria-pressed", String(paused));
  setText(by("pause"), paused ? "Go on" : "Pause");
  document.body.classList.toggle("paused", paused);
  look();
});
document.addEventListener("visibilitychange", look);
for (const state of Object.keys(STATE_WORDS)) by("legend").append(make("span.word", { "data-state": state }, stateIcon(state), STATE_WORDS[state]));
by("legend").append(make("span", {}, "The wider and faster a line, the more records pass. Dashed: to dead letters."));
theme(remembered("theme", THEMES));
view(remembered("view", ["graph", "table"]));
look();
