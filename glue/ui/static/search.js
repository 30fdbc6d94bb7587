// The search box: asks when the form is sent, shows posts in the script they are written in and why each is there.
import { make, number, setText } from "./words.js";

const LANGUAGES = { bn: "Bengali", "bn-Latn": "Banglish", en: "English" };
const LOADING = 60; // seconds: the first search loads the model

export class SearchBox {
  constructor(get) {
    const by = (id) => document.getElementById(id);
    this.get = get;
    [this.form, this.text, this.found, this.title, this.how, this.posts] = ["form", "text"].map((id) => by(`search-${id}`)).concat([by("found"), ...["title", "how", "posts"].map((id) => by(`found-${id}`))]);
    this.turn = 0;
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.ask();
    });
    by("found-close").addEventListener("click", () => this.close());
    this.form.parentElement.addEventListener("keydown", (event) => event.key === "Escape" && !this.found.hidden && this.close());
    document.addEventListener("keydown", (event) => {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
      event.preventDefault();
      this.text.focus();
    });
  }

  async ask() {
    const asked = new URLSearchParams([...new FormData(this.form)].filter(([, value]) => value.trim()));
    if (!asked.has("text")) return this.text.focus();
    const turn = ++this.turn;
    this.found.hidden = false;
    this.found.setAttribute("aria-busy", "true");
    this.show("Searching …", [], []);
    try {
      const { posts, explanation } = await this.get(`/api/search?${asked}`, LOADING);
      if (turn !== this.turn) return;
      this.show(posts.length ? `${posts.length} ${posts.length === 1 ? "post" : "posts"}, the best first` : "No post found", explanation, posts);
    } catch (error) {
      if (turn !== this.turn) return;
      this.show("The search failed", [error.message], []);
    }
    this.found.removeAttribute("aria-busy");
    this.title.focus();
  }

  show(title, how, posts) {
    setText(this.title, title);
    this.how.replaceChildren(...how.map((line) => make("li", {}, line)));
    this.posts.replaceChildren(...posts.map((one) => this.row(one)));
  }

  row({ post, score, meaning, shared }) {
    const facts = [
      post.platform,
      LANGUAGES[post.language] || post.language,
      post.timestamp && new Date(post.timestamp).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" }),
      `engagement ${number(post.engagement)}`,
      (post.product_mentions || []).join(", "),
      (post.hashtags || []).map((tag) => `#${tag}`).join(" "),
    ];
    const why = [`score ${score.toFixed(2)}`, meaning === null ? "meaning far" : `meaning ${meaning.toFixed(2)}`, shared ? `words ${shared}` : "no word in common"];
    return make("li", {}, make("p.content", { lang: post.language || null, dir: "auto" }, post.content || ""), make("p.facts-line", {}, facts.filter(Boolean).join(" · ")), make("p.why", {}, why.join(" · ")));
  }

  close() {
    this.turn += 1;
    this.found.hidden = true;
    this.text.focus();
  }
}
