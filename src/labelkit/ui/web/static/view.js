// What a person sees. Texts of the data are only ever set as text: nothing here makes elements from strings.

import { classesIn } from "./choices.js";

const HUES = 8;
const TRAIL = 20; // latest answers shown

export const $ = (id) => document.getElementById(id);

/** An element with classes, text and children. */
export function make(tag, { cls = "", text = null, children = [], ...attributes } = {}) {
  const element = document.createElement(tag);
  if (cls) element.className = cls;
  if (text !== null) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export class View {
  constructor() {
    this.task = null;
    this.hues = new Map(); // label -> number of its colour
    this.names = new Map(); // label -> name to show
    this.long = new Set(); // names of fields that do not fit beside others
  }

  /** What stays the same: project, classes, guidelines, keys. `say` answers with a label. */
  setTask(task, say) {
    this.task = task;
    document.title = `${task.project} · labelkit annotate`;
    $("project").textContent = task.project;
    $("person").textContent = task.annotator;
    $("to-work").textContent = task.role === "adjudicator" ? "Decide" : "Label";
    task.classes.forEach((one, number) => {
      this.hues.set(one.label, number % HUES);
      this.names.set(one.label, one.name);
    });
    $("classes").replaceChildren(...task.classes.map((one) => this.classButton(one, say)));
    $("classes").classList.toggle("many", task.classes.length > 12);
    $("set").hidden = !task.several;
    document.body.classList.toggle("several", task.several);
    if (task.several) $("accept-name").textContent = "as suggested";
    for (const [place, text] of [["guide", "guidelines"], ["help-guide", "help-guidelines"]]) {
      $(place).hidden = !task.guidelines;
      $(text).textContent = task.guidelines;
    }
    document.body.classList.toggle("guided", Boolean(task.guidelines));
    this.setKeys(task);
  }

  classButton(one, say) {
    const button = make("button", {
      cls: `class hue${this.hues.get(one.label)}`,
      type: "button",
      "aria-keyshortcuts": one.key,
      title: one.name,
      children: [
        make("kbd", { text: one.key }),
        make("span", { cls: "class-name", text: one.name, dir: "auto" }),
        make("small", { text: "suggested" }),
      ],
    });
    button.addEventListener("click", () => say(one.label));
    button.label = one.label;
    if (this.task.several) {
      button.setAttribute("role", "checkbox");
      button.setAttribute("aria-checked", "false");
      button.prepend(make("span", { cls: "box", "aria-hidden": "true" }));
    }
    return button;
  }

  /** Show what would be stored of the record. */
  showChosen(labels) {
    for (const button of $("classes").children) button.setAttribute("aria-checked", String(labels.includes(button.label)));
    set($("chosen"), this.named(labels));
    $("chosen").title = this.named(labels);
  }

  named(labels) {
    return labels.map((label) => this.name(label)).join(", ") || "none of the classes";
  }

  setKeys(task) {
    const rows = [
      ...task.classes.map((one) => [one.key, one.name]),
      ...(task.several ? [["enter", "store the classes chosen, or that there are none, and go on"]] : []),
      ["a", task.several ? "choose what is suggested; enter stores it" : "accept the suggestion"],
      ["space", "skip: no answer, and you are not asked again"],
      ["u, backspace", "take the last answer back and return to its record"],
      ["f", "flag the record for somebody else to look at, or take the flag off"],
      ["n", "write a note about the record"],
      ["arrows, page up and down", "scroll a long record"],
      ["?", "keys and guidelines"],
      ["q", "quit; everything said is stored already"],
    ];
    $("keys").tBodies[0].replaceChildren(...rows.map(([key, what]) => make("tr", { children: [
      make("th", { scope: "row", children: [make("kbd", { text: key })] }),
      make("td", { text: what, dir: "auto" }),
    ] })));
  }

  /** Show a record; null leaves the last one where it is, dimmed. */
  showRecord(asked) {
    $("work").classList.toggle("waiting", asked === null);
    for (const button of $("classes").children) button.disabled = asked === null;
    for (const id of ["accept", "skip", "store", "set-flag", "write-note"]) $(id).disabled = asked === null;
    if (asked === null) return;
    $("name").textContent = asked.name;
    $("strategy").textContent = asked.strategy ? `asked by ${asked.strategy}` : "";
    $("reason").textContent = asked.reason;
    this.setFlag(asked.flagged);
    const record = $("record");
    record.replaceChildren(...this.fields(asked));
    record.scrollTop = 0;
    $("votes").replaceChildren(...this.noneSuggested(asked), ...asked.votes.map((side) => this.side(side)));
    for (const button of $("classes").children) {
      const isSuggested = this.task.several ? Boolean(asked.suggestion?.includes(button.label)) : button.label === asked.suggestion;
      button.classList.toggle("suggested", isSuggested);
      button.setAttribute("aria-description", isSuggested ? "suggested" : "");
    }
    $("accept").disabled = asked.suggestion === null;
    if (record.scrollHeight > record.clientHeight + 2) document.body.classList.add("tall"); // once, and for good
    record.classList.remove("fresh");
    void record.offsetWidth; // so that the animation starts anew
    record.classList.add("fresh");
  }

  fields(asked) {
    const voted = this.voted(asked);
    for (const field of asked.fields) if (!field.short) this.long.add(field.name); // once, and for good
    const short = asked.fields.filter((field) => !this.long.has(field.name));
    const many = asked.fields.length > 1;
    const table = short.length > 1 ? short : [];
    const blocks = asked.fields.filter((field) => !table.includes(field)).map((field) => make("section", {
      cls: field.short ? "field" : "field long",
      children: [...(many ? [make("h3", { text: field.name, dir: "auto" })] : []), this.value(field, "p", voted)],
    }));
    if (table.length) {
      blocks.splice(table[0] === asked.fields[0] ? 0 : blocks.length, 0, make("dl", { cls: "table", children: table.map((field) => make("div", { children: [
        make("dt", { text: field.name, dir: "auto" }), this.value(field, "dd", voted),
      ] })) }));
    }
    return blocks;
  }

  /** Function -> the label that it voted for, or of several classes the one that it is of, and how to say it. */
  voted(asked) {
    if (!this.task.several) return new Map(asked.votes.flatMap((side) => side.functions.map((name) => [name, [side.label, this.name(side.label)]])));
    return new Map(asked.votes.flatMap((side) => ["functions", "against"].flatMap((way) => side[way].map(
      (name) => [`${this.name(side.label)}: ${name}`, [side.label, way === "functions" ? "yes" : "no"]],
    ))));
  }

  value(field, tag, voted) {
    const value = make(tag, { cls: "value", dir: "auto" });
    if (field.empty) {
      value.append(make("em", { cls: "quiet", text: field.empty === "nothing" ? "(nothing)" : "(empty)" }));
      return value;
    }
    for (const part of field.parts) value.append(part.by.length ? this.mark(part, voted) : part.text);
    if (field.hidden) value.append(make("em", { cls: "quiet", text: ` … and ${number(field.hidden)} more characters` }));
    return value;
  }

  /** A part of a text where functions matched, in the colour of what the first of them voted. */
  mark(part, voted) {
    const labels = part.by.filter((name) => voted.has(name)).map((name) => voted.get(name)[0]);
    const said = part.by.map((name) => (voted.has(name) ? `${name}: ${voted.get(name)[1]}` : name));
    const hue = labels.length ? ` hue${this.hues.get(labels[0]) ?? 0}` : "";
    return make("mark", { cls: `match${hue}`, text: part.text, title: said.join(", ") });
  }

  side(side) {
    return make("li", { children: [
      make("b", { cls: `vote hue${this.hues.get(side.label) ?? 0}`, text: this.name(side.label), dir: "auto" }),
      make("span", { cls: "quiet", text: this.task.several ? forAndAgainst(side) : side.functions.join(", "), dir: "auto" }),
    ] });
  }

  /** That no class is suggested, which no button can show. */
  noneSuggested(asked) {
    const said = this.task.several && asked.suggestion?.length === 0;
    return said ? [make("li", { children: [make("span", { cls: "quiet", text: "suggested:" }), make("b", { text: this.named([]) })] })] : [];
  }

  /** A class, or the classes of a set, as people read them. */
  name(label) {
    return typeof label === "object" ? this.named(classesIn(label)) : this.names.get(label) ?? label;
  }

  setFlag(on) {
    $("flag").hidden = !on;
    $("set-flag").setAttribute("aria-pressed", String(on));
  }

  showProgress(progress) {
    const { goal, budget } = this.task;
    const most = budget ?? goal;
    const round = budget ? progress.answered : progress.answered && (progress.answered % goal || goal);
    const rounds = budget ? 0 : Math.floor(Math.max(progress.answered - 1, 0) / goal);
    $("bar").max = most;
    $("bar").value = round;
    $("count").textContent = `${number(round)} of ${number(most)}` + (rounds ? ` · round ${rounds + 1}` : "");
    set($("enough"), progress.enough);
    $("enough").title = progress.enough;
    const facts = [];
    if (progress.seconds_each !== null) facts.push(`${seconds(progress.seconds_each)} each`);
    if (progress.judged) facts.push(`as suggested ${progress.agreed}/${progress.judged}`);
    $("pace").textContent = facts.join(" · ");
    $("round").title = `${number(progress.total)} answers of ${this.task.annotator} in all, ${number(progress.skipped)} skipped`;
  }

  /** `waiting` acts are not stored yet: say so at once when the server does not answer, else only in passing. */
  showSaving(waiting, why, kept) {
    const pill = $("saving");
    const trouble = waiting > 0 && why !== "";
    pill.classList.toggle("trouble", trouble);
    pill.classList.toggle("busy", waiting > 0 && !trouble);
    set(pill, trouble ? `not saved: ${waiting}` : "saved");
    const where = kept ? "kept in this browser and sent when the server is back" : "kept in this page only: do not close it";
    this.alarm(trouble ? `Not saved: ${waiting === 1 ? "one thing" : `${waiting} things`} you said ${waiting === 1 ? "is" : "are"} ${where} (${why}).` : "");
  }

  alarm(text) {
    set($("alarm"), text);
    $("alarm").hidden = !text;
  }

  notice(text, bad = false) {
    set($("notice"), text);
    $("notice").classList.toggle("bad", bad);
  }

  /** The latest answers of this page as a row of colours; null is a skip. */
  showTrail(labels) {
    const cls = (label) => (label === null ? "" : typeof label === "object" ? "answered" : `hue${this.hues.get(label) ?? 0}`);
    $("trail").replaceChildren(...labels.slice(-TRAIL).map((label) => make("li", { cls: cls(label) })));
  }

  /** Light up the button of what was said. */
  flash(label) {
    const other = label === null ? $("skip") : typeof label === "object" ? $("store") : null;
    const button = [...$("classes").children].find((one) => one.label === label) ?? other;
    if (!button) return;
    button.classList.remove("pressed");
    void button.offsetWidth;
    button.classList.add("pressed");
  }

  /** Show one of: work, rest, dashboard. */
  show(place) {
    document.body.classList.remove("starting");
    $("work").hidden = place !== "work";
    $("rest").hidden = place !== "rest";
    $("dashboard").hidden = place !== "dashboard";
    $("to-work").setAttribute("aria-pressed", String(place !== "dashboard"));
    $("to-dashboard").setAttribute("aria-pressed", String(place === "dashboard"));
  }

  rest(title, text, { onward = true, undo = true, signOut = false } = {}) {
    set($("rest-title"), title);
    set($("rest-text"), text);
    $("go-on").hidden = !onward;
    $("undo-rest").hidden = !undo;
    $("sign-out").hidden = !signOut;
    this.show("rest");
  }
}

function forAndAgainst(side) {
  const ways = [["yes", side.functions], ["no", side.against]].filter(([, names]) => names.length);
  return ways.map(([word, names]) => `${word}: ${names.join(", ")}`).join(" · ");
}

export function number(value) {
  return value.toLocaleString("en-US");
}

function seconds(value) {
  return value < 10 ? `${value.toFixed(1)} s` : value < 90 ? `${Math.round(value)} s` : `${Math.round(value / 60)} min`;
}

/** Set a text only where it differs: a screen reader says what changes. */
function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
