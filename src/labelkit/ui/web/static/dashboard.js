// Figures about the people and the task, read again while they are looked at.

import { Refused, get } from "./server.js";
import { make, number } from "./view.js";

const EVERY = 3_000; // milliseconds
const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 640;
const HEIGHT = 180;
const LEFT = 44; // pixels for the numbers of an axis
const BELOW = 22;

export class Dashboard {
  constructor(place, view) {
    this.place = place;
    this.view = view;
    this.timer = 0;
    this.last = "";
  }

  start() {
    this.stop();
    this.load();
    this.timer = setInterval(() => document.hidden || this.load(), EVERY);
  }

  stop() {
    clearInterval(this.timer);
  }

  async load() {
    try {
      const figures = await get("/api/dashboard");
      const text = JSON.stringify(figures);
      if (text !== this.last) this.draw(figures);
      this.last = text;
    } catch (error) {
      if (error instanceof Refused || !this.last) this.place.replaceChildren(make("p", { text: error.message }));
    }
  }

  draw(figures) {
    if (!figures.answers) {
      this.place.replaceChildren(make("p", { cls: "quiet", text: "Nobody has answered yet. The figures grow while people do." }));
      return;
    }
    this.place.replaceChildren(
      make("div", { cls: "tiles", children: this.tiles(figures) }),
      card("Answers by class", this.shares(figures)),
      card("Answers over time", line(
        figures.timeline.map(([x, y]) => ({ x, y })),
        { x: duration, y: number, name: `${number(figures.answers)} answers in ${duration(figures.timeline.at(-1)[0])}` },
      )),
      ...(figures.curve ? [card("Learning curve", this.curve(figures.curve))] : []),
      ...(figures.kappas.length ? [card("Agreement of two (Cohen's kappa)", this.kappas(figures))] : []),
      card("People", this.people(figures), "card whole"),
    );
  }

  tiles(figures) {
    const interval = figures.human_level_interval;
    return [
      tile(number(figures.answers), "answers", `${number(figures.skips)} skips`),
      tile(number(figures.records), "records answered", `${number(figures.overlapping)} by two people or more`),
      tile(coefficient(figures.alpha), "Krippendorff's alpha", "1 is perfect agreement, 0 is chance"),
      tile(share(figures.human_level), "human level",
        interval ? `${share(interval[0])} to ${share(interval[1])}` : "how often a person says what most others say"),
      tile(number(figures.disputed), "to adjudicate", `${number(figures.flagged)} flagged, ${number(figures.notes)} notes`),
    ];
  }

  shares(figures) {
    const most = Math.max(...figures.shares.map((one) => one.answers), 1);
    return make("table", { cls: "bars", children: [make("tbody", { children: figures.shares.map((one) => {
      const bar = make("meter", { cls: `hue${this.view.hues.get(one.label) ?? 0}`, min: "0", max: String(most), value: String(one.answers) });
      bar.setAttribute("aria-hidden", "true");
      return make("tr", { children: [
        make("th", { text: one.name, scope: "row", dir: "auto" }),
        make("td", { cls: "bar", children: [bar] }),
        make("td", { cls: "figure", text: number(one.answers) }),
        make("td", { cls: "figure quiet", text: share(one.answers / figures.answers) }),
      ] });
    }) })] });
  }

  people(figures) {
    const heads = ["", "answers", "as most of the others", "takes most often"];
    const rows = [...figures.people].sort((a, b) => b.answers - a.answers).map((one) => make("tr", { children: [
      make("th", { text: one.name, scope: "row", dir: "auto" }),
      make("td", { cls: "figure", text: number(one.answers) }),
      make("td", { cls: "figure", text: one.compared ? `${share(one.agreed / one.compared)} of ${number(one.compared)}` : "–" }),
      make("td", { text: one.confused.map(([what, times]) => `${what} (${number(times)})`).join(", ") || "–", dir: "auto" }),
    ] }));
    return make("table", { cls: "list", children: [
      make("thead", { children: [make("tr", { children: heads.map((text) => make("th", { text, scope: "col" })) })] }),
      make("tbody", { children: rows }),
    ] });
  }

  kappas(figures) {
    return make("table", { cls: "list", children: [make("tbody", { children: figures.kappas.map(([pair, value]) => make("tr", {
      children: [make("th", { text: pair, scope: "row", dir: "auto" }), make("td", { cls: "figure", text: coefficient(value) })],
    })) })] });
  }

  /** How much of the records the learner still changes its mind about, and what is said about more answers. */
  curve(curve) {
    const points = curve.points.map(([x, y]) => ({ x, y }));
    return make("div", { children: [
      make("p", { cls: "advice", text: curve.said }),
      ...(points.length > 1 ? [line(points, { x: number, y: share, name: curve.said })] : []),
      make("p", { cls: "quiet", text: "share of the records that the learner says something else of than 50 answers before" }),
    ] });
  }
}

function card(title, content, cls = "card") {
  return make("section", { cls, children: [make("h2", { text: title }), content] });
}

function tile(figure, what, more) {
  return make("div", { cls: "tile", children: [make("b", { text: figure }), make("span", { text: what }), make("small", { cls: "quiet", text: more })] });
}

/** A line through points; `name` says in words what it shows. */
function line(points, { x, y, name }) {
  const from = 0;
  const most = { x: Math.max(points.at(-1).x, 1e-9), y: Math.max(...points.map((one) => one.y)) };
  const span = Math.max(most.y - from, 1e-9);
  const first = points[0].x;
  const at = (px, py) => `${(LEFT + ((px - first) / Math.max(most.x - first, 1e-9)) * (WIDTH - LEFT - 8)).toFixed(1)},${(8 + (1 - (py - from) / span) * (HEIGHT - BELOW - 8)).toFixed(1)}`;
  const chart = drawn("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": name, class: "chart" });
  for (const [value, where] of [[from, HEIGHT - BELOW], [most.y, 8]]) {
    chart.append(drawn("line", { x1: LEFT, x2: WIDTH - 8, y1: where, y2: where, class: "grid" }));
    chart.append(drawn("text", { x: LEFT - 6, y: where + 4, "text-anchor": "end" }, y(value)));
  }
  chart.append(drawn("text", { x: LEFT, y: HEIGHT - 5 }, x(first)));
  chart.append(drawn("text", { x: WIDTH - 8, y: HEIGHT - 5, "text-anchor": "end" }, x(most.x)));
  chart.append(drawn("polyline", { points: points.map((one) => at(one.x, one.y)).join(" "), class: "line" }));
  return chart;
}

function drawn(tag, attributes, text = null) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  if (text !== null) element.textContent = text;
  return element;
}

function coefficient(value) {
  return value === null ? "–" : value.toFixed(3);
}

function share(value) {
  return value === null ? "–" : `${(100 * value).toFixed(value > 0 && value < 0.1 ? 1 : 0)} %`;
}

function duration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} days`;
}
