// The side panel: one part in full, and the records that pass. Focus goes in when it opens and back when it closes.
import { ago, breakable, clock, kindIcon, make, number, rate, stateIcon } from "./words.js";

const OPEN_FIRST = 8; // tables longer than this start folded

export class Panel {
  constructor(get, onClose) {
    this.get = get;
    this.onClose = onClose;
    this.root = document.getElementById("panel");
    this.title = document.getElementById("panel-title");
    this.kind = document.getElementById("panel-kind");
    this.body = document.getElementById("panel-body");
    this.id = null;
    document.getElementById("panel-close").addEventListener("click", () => this.close());
    this.root.addEventListener("keydown", (event) => event.key === "Escape" && this.close());
  }

  async open(id, opener) {
    this.id = id;
    this.opener = opener;
    const [kind, ...name] = id.split("/");
    this.kind.replaceChildren(kindIcon(kind), kind);
    this.title.textContent = name.join("/");
    this.facts = make("dl.facts");
    this.alert = make("div.alerts");
    this.about = make("p.about");
    this.sections = make("div.sections");
    this.records = make("section.records", { "aria-labelledby": "records-title" }, make("h3", { id: "records-title" }, "Latest records"));
    this.merchant = make("select", { id: "records-merchant" });
    this.merchant.addEventListener("change", () => this.refresh());
    this.seen = new Map();
    this.before = "";
    this.body.replaceChildren(this.alert, make("p.about", {}, "Loading …"));
    this.root.hidden = false;
    document.body.classList.add("with-panel");
    this.title.focus({ preventScroll: true });
    this.body.scrollTop = 0;
    await this.refresh();
  }

  close() {
    if (this.root.hidden) return;
    this.root.hidden = true;
    document.body.classList.remove("with-panel");
    this.id = null;
    this.onClose();
    if (this.opener && this.opener.isConnected) this.opener.focus({ preventScroll: true });
  }

  async refresh() {
    const id = this.id;
    if (!id) return;
    let node;
    try {
      node = await this.get(`/api/node/${id.split("/").map(encodeURIComponent).join("/")}`);
    } catch (error) {
      if (this.id === id) this.alert.replaceChildren(make("p.alert", {}, error.message));
      return;
    }
    if (this.id !== id) return;
    if (!this.facts.isConnected) {
      this.body.replaceChildren(this.alert, this.about, this.facts, node.topic ? this.records : "", this.sections);
    }
    this.about.textContent = node.about;
    this.showFacts(node);
    const sections = JSON.stringify(node.sections);
    if (sections !== this.before && !this.sections.contains(document.activeElement)) {
      this.before = sections;
      const folded = new Map([...this.sections.querySelectorAll("details")].map((one) => [one.dataset.title, one.open]));
      this.sections.replaceChildren(...node.sections.map((section) => table(section, folded)));
    }
    if (node.topic) await this.showRecords(id, node.topic);
  }

  showFacts(node) {
    const pairs = [
      ["State", make("span.word", { "data-state": node.state }, stateIcon(node.state), node.word)],
      node.rate !== null ? ["Rate", rate(node.rate)] : null,
      node.lag !== undefined ? ["Lag", number(node.lag)] : null,
      node.records !== undefined ? ["Held at most", number(node.records)] : null,
      node.tasks !== undefined ? ["Tasks running", `${node.running} of ${node.tasks}`] : null,
      node.workers !== undefined ? ["Workers", number(node.workers)] : null,
      node.newest ? ["Newest record", ago(node.newest)] : null,
      node.kind !== "topic" && node.kind !== "store" ? ["Open dead letters", number(node.open)] : null,
    ].filter(Boolean);
    this.facts.replaceChildren(...pairs.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));
    const alerts = [];
    if (node.why) alerts.push(make("p.alert", { "data-state": node.state }, stateIcon(node.state), make("span", {}, node.why)));
    if (node.last_error) {
      const error = node.last_error;
      const text = make("span", {}, make("strong", {}, "Last error "), `${ago(error.at)}: ${error.text}`, make("code", {}, `mxctl dlq show ${error.id}`));
      alerts.push(make("p.alert", { "data-state": "warn" }, stateIcon("warn"), text));
    }
    this.alert.replaceChildren(...alerts);
  }

  async showRecords(id, topic) {
    let answer;
    try {
      const of = this.merchant.value ? `?merchant=${encodeURIComponent(this.merchant.value)}` : "";
      answer = await this.get(`/api/records/${encodeURIComponent(topic)}${of}`);
    } catch (error) {
      answer = { records: [], error: error.message };
    }
    if (this.id !== id) return;
    const kept = new Map();
    const items = answer.records.map((record) => {
      const key = `${record.partition}/${record.offset}`;
      const item = this.seen.get(key) || recordItem(record);
      kept.set(key, item);
      return item;
    });
    this.seen = kept;
    const list = this.records.querySelector("ol");
    const filter = this.showMerchants(answer);
    if (list && items.length === list.children.length && items.every((item, index) => item === list.children[index])) return;
    const text = answer.error || (items.length ? "Personal data is masked as the schema's tags ask." : this.merchant.value ? "No record of this merchant among the last ones." : "No record in the topic.");
    const choosing = document.activeElement === this.merchant;
    this.records.replaceChildren(make("h3", { id: "records-title" }, "Latest records"), filter, make("p.note", {}, text), make("ol", {}, ...items));
    if (choosing) this.merchant.focus({ preventScroll: true });
  }

  // A choice of one merchant, in topics whose records are somebody's.
  showMerchants(answer) {
    if (!this.merchant.children.length && answer.records.some((record) => record.merchant)) {
      const names = ["", ...answer.merchants].map((name) => make("option", { value: name }, name || "all"));
      this.merchant.replaceChildren(...names);
    }
    return this.merchant.children.length ? make("label.filter", { for: "records-merchant" }, "Merchant ", this.merchant) : "";
  }
}

function recordItem(record) {
  const where = `partition ${record.partition}, offset ${number(record.offset)}`;
  const head = make("summary", {}, make("span.when", {}, clock(record.at)), make("span.what", {}, headline(record)), make("span.where", {}, where));
  const lines = Object.entries(record.value || {}).map(([name, value]) =>
    make("div", {}, make("dt", {}, name), make("dd", { class: value === "•••" ? "masked" : null }, typeof value === "string" ? value : JSON.stringify(value))),
  );
  const about = [["key", record.key], ["merchant", record.merchant], ["schema", record.schema], ["bytes", number(record.bytes)], ["refused by", record.by], ["cause", record.cause], ["contents", record.hidden]];
  const facts = about.filter(([, value]) => value).map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, String(value))));
  return make("li", {}, make("details", {}, head, make("dl.value", {}, ...facts, ...lines)));
}

function headline(record) {
  const value = record.value || {};
  const text = value.content || value.product_name || value.city || value.name;
  if (record.cause) return record.cause;
  return text || record.hidden || record.key || "record";
}

function table(section, folded) {
  const heads = section.columns.map((column) => make("th", { scope: "col" }, column));
  const rows = section.rows.map((row) =>
    make("tr", {}, ...row.map((cell) => make("td", { class: typeof cell === "number" ? "figure" : null }, ...(typeof cell === "number" ? [number(cell)] : breakable(String(cell ?? "–")))))),
  );
  const shown = rows.length ? make("table", {}, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows)) : "";
  const title = `${section.title}${rows.length > OPEN_FIRST ? ` (${rows.length})` : ""}`;
  const open = folded.has(section.title) ? folded.get(section.title) : rows.length <= OPEN_FIRST;
  return make("details", { open, "data-title": section.title }, make("summary", {}, make("h3", {}, title)), section.note ? make("p.note", {}, section.note) : "", shown);
}
