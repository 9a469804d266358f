// The page: one record, one key, one stored answer. What a person says is kept by the outbox, and the next record, which
// is here already, is shown at once.

import { Choices } from "./choices.js";
import { Dashboard } from "./dashboard.js";
import { Outbox, random } from "./outbox.js";
import { Refused, from, get, post } from "./server.js";
import { $, View } from "./view.js";

const READY = 2; // records that should be here, the one shown included
const BOUNCE = 250; // milliseconds within which the same key is a double press
const SETTLE = 100; // milliseconds for which a record that has just appeared takes no answer
const STORE = "say what is chosen"; // as an act: pressed twice it is one, whatever is chosen then
const LOOK_AGAIN = 5_000; // milliseconds between two looks into a queue that was over

class Page {
  constructor(me) {
    from(me.task.desk);
    this.task = me.task;
    this.progress = me.progress;
    this.view = new View();
    this.choices = me.task.several ? new Choices(me.task.classes.map((one) => one.label)) : null;
    this.view.setTask(me.task, (label) => this.press(label));
    this.dashboard = new Dashboard($("dashboard"), this.view);
    this.hand = []; // records to answer, the one shown first
    this.given = []; // records answered in this tab, to come back to
    this.resting = false;
    this.place = "work";
    this.shown = null; // operation of the record shown
    this.since = 0; // when it appeared
    this.last = { act: "", time: -BOUNCE };
    this.filling = false;
    this.timer = 0;
    this.lag = []; // milliseconds from a key to the next record drawn, for measuring
    this.keys = new Map(me.task.classes.map((one) => [one.key, one.label]));
    this.outbox = new Outbox(`labelkit:${me.task.id}:${me.task.role}:${me.task.annotator}:`, {
      sent: (entry, reply) => this.sent(entry, reply),
      refused: (entry, error) => this.refused(entry, error),
      state: () => this.showSaving(),
      signedOut: () => this.view.notice("This browser is signed out; open a new link", true),
    });
    this.tabs = new BroadcastChannel(`labelkit:${me.task.id}`);
    this.tabs.addEventListener("message", (event) => this.elsewhere(event.data));
    this.wire();
    this.view.showProgress(this.progress);
    this.outbox.send();
    this.fill();
  }

  get current() {
    return this.hand[0] ?? null;
  }

  // What a person does

  /** The key or button of a class: it is said at once, or chosen where a record may have several. */
  press(label) {
    if (!this.choices) return this.say(label);
    const asked = this.current;
    if (!asked || this.place !== "work" || this.isBounce(`say ${label}`)) return;
    this.choices.toggle(asked, label);
    this.view.showChosen(this.choices.of(asked));
  }

  store() {
    if (this.current && this.place === "work") this.say(this.choices.answer(this.current), STORE);
  }

  say(label, act = `say ${label}`) {
    const asked = this.current;
    if (!asked || this.place !== "work" || this.isBounce(act)) return;
    const started = performance.now();
    this.hand.shift();
    this.given.push({ asked, label });
    this.outbox.put("/api/answer", { record: asked.record, label, operation: asked.operation });
    this.view.flash(label);
    this.view.notice(label === null ? "skipped" : `said: ${this.view.name(label)}`);
    this.draw();
    this.fill();
    requestAnimationFrame(() => setTimeout(() => this.current && this.lag.push(performance.now() - started)));
  }

  accept() {
    if (!this.current) return;
    if (this.current.suggestion === null) this.view.notice("there is no suggestion to accept");
    else if (!this.choices) this.say(this.current.suggestion);
    else {
      this.choices.replace(this.current, this.current.suggestion);
      this.view.showChosen(this.choices.of(this.current));
      this.view.notice("chosen as suggested; enter stores it");
    }
  }

  async undo() {
    if (this.isBounce("undo")) return;
    const operation = random(16);
    const back = this.given.pop();
    this.resting = false;
    if (back) {
      this.outbox.put("/api/undo", { operation, undoes: back.asked.operation });
      this.hand.unshift({ ...back.asked, operation: `after-${operation}` });
      this.view.notice(`took back: ${back.label === null ? "skip" : this.view.name(back.label)}`);
      this.draw();
    } else {
      this.outbox.put("/api/undo", { operation, undoes: null });
    }
  }

  flag() {
    const asked = this.current;
    if (!asked || this.isBounce("flag")) return;
    asked.flagged = !asked.flagged;
    this.outbox.put("/api/flag", { record: asked.record, on: asked.flagged, operation: random(16) });
    this.view.setFlag(asked.flagged);
    this.view.notice(asked.flagged ? "flagged" : "flag taken off");
  }

  openNote() {
    if (!this.current) return;
    $("note-text").value = "";
    $("note").showModal();
    $("note-text").focus();
  }

  closeNote(keep) {
    const text = $("note-text").value.trim();
    $("note").close();
    if (keep && text && this.current) {
      this.outbox.put("/api/note", { record: this.current.record, text, operation: random(16) });
      this.view.notice("note kept");
    } else {
      this.view.notice("note dropped");
    }
  }

  async quit() {
    this.resting = true;
    this.draw();
    $("rest-title").focus();
    await this.outbox.send();
    if (this.outbox.size || !this.resting) return;
    this.hand = [];
    await this.ask("/api/leave", { forget: false });
  }

  goOn() {
    this.notTwice();
    this.resting = false;
    this.draw();
    this.fill();
  }

  async signOut() {
    await this.outbox.send();
    if (this.outbox.size) return;
    await this.ask("/api/leave", { forget: true });
    location.reload();
  }

  /** An enter that did something else is, pressed twice, no answer. */
  notTwice() {
    this.last = { act: STORE, time: performance.now() };
  }

  isBounce(act) {
    const now = performance.now();
    const isAnswer = act.startsWith("say");
    if (this.last.act === act && now - this.last.time < BOUNCE) return true;
    if (isAnswer && now - this.since < SETTLE) return true;
    this.last = { act, time: now };
    return false;
  }

  // What the server says

  sent(entry, reply) {
    if (reply.progress) this.showProgress(reply.progress);
    if (entry.path === "/api/answer") {
      this.tabs.postMessage({ answered: entry.body.record });
      if (reply.late) this.view.notice("kept as one opinion more: others had answered meanwhile");
    }
    if (entry.path === "/api/undo") {
      this.tabs.postMessage({ changed: true });
      if (entry.body.undoes === null) this.returned(reply.record);
    }
    this.fill();
  }

  /** A record of an earlier page is back in hand. */
  returned(record) {
    if (record === null) {
      this.view.notice("nothing to take back");
      return;
    }
    this.hand = [record, ...this.hand.filter((one) => one.record !== record.record)];
    this.view.notice("took back");
    this.draw();
  }

  refused(entry, error) {
    this.view.notice(error.message, true);
    if (entry.body.record) this.given = this.given.filter((one) => one.asked.operation !== entry.body.operation);
    this.anew();
  }

  elsewhere(message) {
    if (message.answered) {
      this.hand = this.hand.filter((one) => one.record !== message.answered);
      this.draw();
      this.fill();
    }
    if (message.changed) this.anew();
  }

  /** Take what is in hand from the server again: something has changed there. */
  async anew() {
    const reply = await this.ask("/api/next", { have: this.outbox.records() });
    if (!reply) return;
    const pending = new Set(this.outbox.records());
    this.hand = reply.records.filter((one) => !pending.has(one.record));
    this.showProgress(reply.progress);
    this.draw();
    this.fill();
  }

  /** Have the next records here before they are wanted. */
  async fill() {
    clearTimeout(this.timer);
    if (this.filling || this.resting || this.hand.length >= READY) return;
    this.filling = true;
    const have = [...this.hand.map((one) => one.record), ...this.outbox.records()];
    const reply = await this.ask("/api/next", { have: have.slice(0, 100) });
    this.filling = false;
    let wait = LOOK_AGAIN;
    if (reply) {
      const known = new Set([...this.hand.map((one) => one.record), ...this.outbox.records()]);
      const fresh = reply.records.filter((one) => !known.has(one.record) && !this.isGiven(one));
      this.hand.push(...fresh);
      this.showProgress(reply.progress);
      this.draw();
      wait = fresh.length || this.outbox.size ? 40 : this.hand.length ? 1_000 : LOOK_AGAIN;
    }
    if (this.hand.length < READY) this.timer = setTimeout(() => this.fill(), reply ? wait : 1_000);
  }

  isGiven(asked) {
    return this.given.some((one) => one.asked.operation === asked.operation);
  }

  async ask(path, body) {
    try {
      return await post(path, body);
    } catch (error) {
      if (error instanceof Refused && [401, 403, 412].includes(error.status)) this.view.alarm(error.message);
      else if (error instanceof Refused) this.view.notice(error.message, true);
      return null;
    }
  }

  showProgress(progress) {
    this.progress = progress;
    this.view.showProgress(progress);
  }

  // What is shown

  showSaving() {
    if (!this.outbox) return; // it is being made
    this.view.showSaving(this.outbox.size, this.outbox.why, this.outbox.kept);
    if (this.resting) this.draw();
  }

  draw() {
    if (this.place === "dashboard") return;
    if (this.resting) {
      const { answered, skipped } = this.progress;
      const stored = this.outbox.size
        ? "Not everything is stored yet: leave this page open, or open it again in this browser."
        : "Everything said is stored; you can close this page.";
      this.view.rest("Rest well", `${answered} answers and ${skipped} skips in this sitting. ${stored}`, { signOut: true });
      return;
    }
    const asked = this.current;
    if (!asked && this.progress.nothing && !this.outbox.size) {
      this.view.rest("That was it", `${this.progress.nothing}.`, { onward: false });
      this.shown = null;
      return;
    }
    this.view.show("work");
    if (asked && asked.operation === this.shown) return;
    this.shown = asked ? asked.operation : null;
    this.view.showTrail(this.given.map((one) => one.label));
    this.since = performance.now();
    this.view.showRecord(asked);
    if (asked && this.choices) this.view.showChosen(this.choices.of(asked));
  }

  go(place) {
    this.place = place;
    if (place === "dashboard") {
      this.view.show("dashboard");
      this.dashboard.start();
    } else {
      this.dashboard.stop();
      this.draw();
      this.fill();
    }
  }

  // Keys and buttons

  wire() {
    const on = (id, act) => $(id).addEventListener("click", act);
    on("accept", () => this.accept());
    on("skip", () => this.say(null));
    on("store", () => this.store());
    on("undo", () => this.undo());
    on("undo-rest", () => this.undo());
    on("set-flag", () => this.flag());
    on("write-note", () => this.openNote());
    on("quit", () => this.quit());
    on("go-on", () => this.goOn());
    on("sign-out", () => this.signOut());
    on("to-work", () => this.go("work"));
    on("to-dashboard", () => this.go("dashboard"));
    on("to-help", () => $("help").showModal());
    on("keep-note", () => this.closeNote(true));
    on("drop-note", () => this.closeNote(false));
    for (const id of ["help", "note"]) $(id).addEventListener("close", () => this.notTwice());
    // A click leaves the focus where it was: enter goes on storing, and does not press the button again.
    if (this.choices) document.addEventListener("mousedown", (event) => event.target.closest("main button, nav button") && event.preventDefault());
    $("note").addEventListener("cancel", (event) => {
      event.preventDefault();
      this.closeNote(false);
    });
    $("note-text").addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.closeNote(true);
    });
    $("keys-on").checked = stored("keys") !== "off";
    $("keys-on").addEventListener("change", () => store("keys", $("keys-on").checked ? "on" : "off"));
    document.addEventListener("keydown", (event) => this.key(event));
    addEventListener("pageshow", (event) => event.persisted && this.anew());
    addEventListener("beforeunload", (event) => this.outbox.size && event.preventDefault());
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !$("keys-on").checked) return;
    if (document.querySelector("dialog[open]")) {
      if (event.key === "?" && $("help").open) $("help").close();
      return;
    }
    const onButton = event.target.closest?.("button, a, input, textarea, select");
    const isStored = this.choices && event.key === "Enter" && onButton?.getAttribute("role") === "checkbox"; // as in a form
    if (onButton && !isStored && (event.key === "Enter" || event.key === " ")) {
      if (event.repeat && this.choices) event.preventDefault(); // a key that is held presses a button once
      return;
    }
    const act = this.actOf(event.key);
    if (!act) return;
    event.preventDefault();
    if (!event.repeat || event.key.startsWith("Arrow") || event.key.startsWith("Page")) act();
  }

  actOf(key) {
    if (key === "?") return () => $("help").showModal();
    if (this.place !== "work") return null;
    if (key === "u" || key === "Backspace") return () => this.undo();
    if (this.resting) return key === "Enter" ? () => this.goOn() : null;
    if (key === "q") return () => this.quit();
    if (!this.current) return null;
    const scroll = { ArrowUp: -60, ArrowDown: 60, PageUp: -400, PageDown: 400 }[key];
    if (scroll) return () => $("record").scrollBy({ top: scroll });
    if (this.keys.has(key)) return () => this.press(this.keys.get(key));
    if (this.choices && key === "Enter") return () => this.store();
    const act = { a: () => this.accept(), " ": () => this.say(null), f: () => this.flag(), n: () => this.openNote() }[key];
    if (act) return act;
    return key.length === 1 ? () => this.view.notice("this key means nothing here; ? shows the keys") : null;
  }
}

function stored(name) {
  try {
    return localStorage.getItem(`labelkit-${name}`);
  } catch {
    return null;
  }
}

function store(name, value) {
  try {
    localStorage.setItem(`labelkit-${name}`, value);
  } catch {
    // it lasts as long as this page
  }
}

/** Exchange the token of the link, if there is one, and take it out of the address. */
async function enter() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!token) return "";
  history.replaceState(null, "", location.pathname);
  try {
    await post("/api/enter", { token });
    return "";
  } catch (error) {
    return error.message;
  }
}

async function start() {
  const trouble = await enter();
  try {
    window.page = new Page(await get("/api/me"));
  } catch (error) {
    const view = new View();
    const isStranger = error instanceof Refused && error.status === 401;
    view.rest(isStranger ? "Not signed in" : "No answer", trouble || error.message, { onward: false, undo: false });
    if (!isStranger) setTimeout(start, 2_000);
  }
}

start();
