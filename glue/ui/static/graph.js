// The drawing: cards in columns where there is room, in groups where there is not; lines whose flow shows the rate.
import { breakable, figures, kindIcon, make, rate, setText, shape, stateIcon } from "./words.js";

const CARD = 136;
const WIDEST = 190;
const HEIGHT = 90;
const GAP = 10;
const LEAST_GAP = 20;
const SLOT = 10;
const BENEATH = 32;
const GROUPS = [
  ["source", "Sources"],
  ["topic", "Topics"],
  ["chain", "Transform chains"],
  ["connector", "Connectors"],
  ["store", "Stores"],
  ["dead letters", "Dead letters"],
];

export class Graph {
  constructor(root, onOpen) {
    this.root = root;
    this.onOpen = onOpen;
    this.cards = new Map();
    this.lines = new Map();
    this.places = new Map();
    this.selected = null;
    this.drawn = "";
    this.svg = shape("svg", { class: "lines", "aria-hidden": "true", focusable: "false" });
    new ResizeObserver(() => this.data && this.layout()).observe(root);
    root.addEventListener("keydown", (event) => this.onKey(event));
  }

  update(data) {
    this.data = data;
    this.nodes = new Map(data.nodes.map((node) => [node.id, node]));
    const structure = JSON.stringify([data.columns, data.beneath, data.routes]);
    if (structure !== this.structure) {
      this.structure = structure;
      this.build();
    }
    for (const node of data.nodes) this.fill(this.cards.get(node.id), node);
    for (const edge of data.edges) this.flow(this.lines.get(`${edge.from}>${edge.to}`), edge);
  }

  build() {
    this.cards.clear();
    this.columns = this.data.columns;
    const drawn = this.columns.flat().filter((id) => !id.startsWith("~"));
    for (const id of [...drawn, ...this.data.beneath.map((one) => one.id)]) {
      const node = this.nodes.get(id);
      const card = make("button.card", { type: "button", "data-id": id, "data-kind": node.kind });
      const top = make("span.top", {}, kindIcon(node.kind), make("span.kind", {}, node.kind), make("span.word"));
      card.append(top, make(node.name.length > 23 ? "span.name.long" : "span.name", {}, ...breakable(node.name)), make("span.figures"));
      card.addEventListener("click", () => this.onOpen(id, card));
      this.cards.set(id, card);
    }
    this.drawn = "";
    this.layout();
  }

  fill(card, node) {
    const word = card.querySelector(".word");
    if (card.dataset.state !== node.state) {
      card.dataset.state = node.state;
      word.replaceChildren(stateIcon(node.state), node.word);
    }
    const text = figures(node);
    setText(card.querySelector(".figures"), text);
    const label = `${node.kind} ${node.name}, ${node.word}, ${text.replaceAll("/s", " a second").replaceAll(" · ", ", ")}`;
    if (card.getAttribute("aria-label") !== label) card.setAttribute("aria-label", label);
    card.title = node.why || node.name;
  }

  flow(line, edge) {
    if (!line) return;
    const fast = edge.rate || 0;
    line.base.classList.toggle("busy", fast >= 0.05);
    line.base.classList.toggle("open", edge.open);
    line.moving.classList.toggle("on", fast >= 0.05 && !edge.dead);
    const strength = Math.min(1, Math.log10(1 + fast) / 3);
    line.base.style.setProperty("--width", `${(1.4 + 3 * strength).toFixed(2)}px`);
    line.moving.style.setProperty("--width", `${(1.8 + 2.4 * strength).toFixed(2)}px`);
    line.moving.style.setProperty("--time", `${(1.8 - 1.3 * strength).toFixed(2)}s`);
    line.title.textContent = rate(edge.rate);
  }

  layout() {
    const width = this.root.clientWidth;
    if (!width) return;
    const count = this.columns.length;
    const wide = width >= count * CARD + (count - 1) * LEAST_GAP;
    const key = `${wide ? width : "narrow"}|${this.structure}`;
    if (key === this.drawn) return;
    this.drawn = key;
    this.root.classList.toggle("narrow", !wide);
    if (wide) this.place(width, count);
    else this.list();
  }

  list() {
    this.places.clear();
    this.lines.clear();
    this.root.style.height = "";
    const groups = GROUPS.map(([kind, title]) => {
      const cards = [...this.cards].filter(([id]) => this.nodes.get(id).kind === kind).map(([, card]) => card);
      for (const card of cards) for (const property of ["left", "top", "width", "height"]) card.style[property] = "";
      return cards.length ? make("section.group", {}, make("h3", {}, title), make("div.cards", {}, ...cards)) : "";
    });
    this.root.replaceChildren(...groups.filter(Boolean));
  }

  place(width, count) {
    const card = Math.max(CARD, Math.min(WIDEST, Math.floor((width - (count - 1) * 36) / count)));
    const step = count > 1 ? (width - card) / (count - 1) : 0;
    const tall = (id) => (id.startsWith("~") ? SLOT : HEIGHT);
    const sums = this.columns.map((column) => column.reduce((sum, id) => sum + tall(id) + GAP, -GAP));
    const body = Math.max(...sums, 0);
    this.places.clear();
    this.columns.forEach((column, index) => {
      let y = Math.round((body - sums[index]) / 2);
      for (const id of column) {
        this.places.set(id, { x: Math.round(index * step), y, width: card, height: tall(id), column: index });
        y += tall(id) + GAP;
      }
    });
    let height = body + 4;
    for (const { id, row, column } of this.data.beneath) {
      const x = Math.round(column * step);
      const y = body + BENEATH + row * (HEIGHT + BENEATH);
      const broad = Math.min(card + 60, width - x); // a long kind, and room beside it
      this.places.set(id, { x, y, width: broad, height: HEIGHT, column });
      height = y + HEIGHT + 4;
    }
    this.root.style.height = `${height}px`;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.style.height = `${height}px`;
    for (const [id, element] of this.cards) {
      const at = this.places.get(id);
      Object.assign(element.style, { left: `${at.x}px`, top: `${at.y}px`, width: `${at.width}px`, height: `${at.height}px` });
    }
    this.draw(step, card);
    this.root.replaceChildren(this.svg, ...this.cards.values());
    this.data.edges.forEach((edge) => this.flow(this.lines.get(`${edge.from}>${edge.to}`), edge));
    this.select(this.selected);
  }

  draw(step, card) {
    this.lines.clear();
    this.svg.replaceChildren();
    const routes = new Map(this.data.routes.map((route) => [`${route[0]}>${route[route.length - 1]}`, route]));
    for (const edge of this.data.edges) {
      const key = `${edge.from}>${edge.to}`;
      const stops = (routes.get(key) || [edge.from, edge.to]).map((id) => this.places.get(id));
      const d = edge.dead ? down(...stops, step - card) : across(stops);
      const base = shape("path", { d, class: edge.dead ? "base dead" : "base" });
      const moving = shape("path", { d, class: "moving" });
      const title = shape("title", {});
      base.append(title);
      this.svg.append(base, moving);
      this.lines.set(key, { base, moving, title, edge });
    }
  }

  select(id) {
    this.selected = id;
    const near = new Set();
    for (const { base, edge } of this.lines.values()) {
      const mine = id !== null && (edge.from === id || edge.to === id);
      base.classList.toggle("mine", mine);
      if (mine) near.add(edge.from).add(edge.to);
    }
    for (const [name, card] of this.cards) {
      card.classList.toggle("selected", name === id);
      card.classList.toggle("near", near.has(name) && name !== id);
      if (name === id) card.setAttribute("aria-current", "true");
      else card.removeAttribute("aria-current");
    }
  }

  onKey(event) {
    const move = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
    const card = event.target.closest(".card");
    if (!move || !card || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const next = this.neighbour(card, move);
    if (next) next.focus();
  }

  // The nearest card that way: to the side, one that a line leads to goes first.
  neighbour(card, [dx, dy]) {
    const box = card.getBoundingClientRect();
    const id = card.dataset.id;
    const linked = new Set(this.data.edges.flatMap((e) => (e.from === id ? [e.to] : e.to === id ? [e.from] : [])));
    let best = null;
    let least = Infinity;
    for (const [name, other] of this.cards) {
      const at = other.getBoundingClientRect();
      const along = dx ? (at.left - box.left) * dx : (at.top - box.top) * dy;
      if (along < 8) continue;
      const beside = Math.abs(dx ? at.top - box.top : at.left - box.left);
      const cost = along + beside * 3 - (dx && linked.has(name) ? 1000 : 0);
      if (cost < least) [best, least] = [other, cost];
    }
    return best;
  }
}

function across(stops) {
  const middle = (stop) => stop.y + stop.height / 2;
  let x = stops[0].x + stops[0].width;
  let y = middle(stops[0]);
  let d = `M${x},${y}`;
  for (const stop of stops.slice(1)) {
    const bend = (stop.x - x) / 2;
    d += ` C${x + bend},${y} ${stop.x - bend},${middle(stop)} ${stop.x},${middle(stop)}`;
    x = stop.x + stop.width;
    y = middle(stop);
    if (stop !== stops[stops.length - 1]) d += ` H${x}`;
  }
  return d;
}

// Out at the side, down between the columns, and along above its row: never across a card.
function down(from, to, gap) {
  const right = from.x + from.width;
  const last = to.y - 16;
  const lane = from.column > to.column ? from.x - gap / 2 : right + gap / 2;
  const x1 = lane > right ? right : from.x;
  const y1 = from.y + from.height - 14;
  const x2 = to.x + to.width / 2;
  const out = Math.sign(lane - x1);
  const turn = Math.sign(x2 - lane) || 1;
  return `M${x1},${y1} H${lane - 6 * out} Q${lane},${y1} ${lane},${y1 + 6} V${last - 6} Q${lane},${last} ${lane + 6 * turn},${last} H${x2 - 6 * turn} Q${x2},${last} ${x2},${last + 6} V${to.y}`;
}
