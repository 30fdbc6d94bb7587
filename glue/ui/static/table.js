// The same as a table: for small screens, screen readers, and who likes it better.
import { ago, make, number, rate, setText, stateIcon } from "./words.js";

const ORDER = ["source", "topic", "chain", "connector", "store", "dead letters"];
const HEADS = ["Part", "Kind", "State", "Records/s", "Lag", "Held", "Open dead letters", "Newest record", "What is wrong"];

export class Table {
  constructor(root, onOpen) {
    this.root = root;
    this.onOpen = onOpen;
    this.rows = new Map();
    this.body = make("tbody");
    const heads = HEADS.map((head, index) => make("th", { scope: "col", class: index >= 3 && index <= 6 ? "figure" : null }, head));
    root.append(make("caption.hidden", {}, "All parts of the topology with their state"), make("thead", {}, make("tr", {}, ...heads)), this.body);
  }

  update(data) {
    const nodes = [...data.nodes].sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
    const ids = JSON.stringify(nodes.map((node) => node.id));
    if (ids !== this.ids) {
      this.ids = ids;
      this.rows = new Map(nodes.map((node) => [node.id, this.row(node)]));
      this.body.replaceChildren(...[...this.rows.values()].map((row) => row.element));
    }
    for (const node of nodes) this.fill(this.rows.get(node.id), node);
  }

  row(node) {
    const button = make("button.link", { type: "button" }, node.name);
    button.addEventListener("click", () => this.onOpen(node.id, button));
    const cells = HEADS.slice(2).map((head, index) => make("td", { class: index >= 1 && index <= 4 ? "figure" : null }));
    return { element: make("tr", {}, make("th", { scope: "row" }, button), make("td", {}, node.kind), ...cells), cells, state: "" };
  }

  fill(row, node) {
    if (row.state !== node.state) {
      row.state = node.state;
      row.cells[0].replaceChildren(make("span.word", { "data-state": node.state }, stateIcon(node.state), node.word));
    }
    const texts = [rate(node.rate), number(node.lag), number(node.records), number(node.open), node.newest ? ago(node.newest) : "–", node.why || (node.last_error ? `last error: ${node.last_error.text}` : "")];
    texts.forEach((text, index) => setText(row.cells[index + 1], text));
  }
}
