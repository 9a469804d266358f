// What a person said and the server has not confirmed. It is in the storage of the browser before anything else
// happens, one entry per act, and leaves it when the server has it. The server knows an act by its operation id, so an
// entry may be sent any number of times, by any tab.

import { Refused, Unreachable, post } from "./server.js";

const FIRST_WAIT = 300; // milliseconds before a second attempt
const LONGEST_WAIT = 3_000;
const FINAL = new Set([409, 413, 422]); // statuses after which the same entry will never be taken

export class Outbox {
  /** `on` gets: sent(entry, reply), refused(entry, error), state(), signedOut(). */
  constructor(prefix, on) {
    this.prefix = prefix;
    this.on = on;
    this.tab = random(6);
    this.why = ""; // why the first entry is not stored
    this.kept = true; // whether the browser keeps entries beyond this page
    this.sending = false;
    this.timer = 0;
    this.wait = FIRST_WAIT;
    this.entries = this.stored();
    this.clock = Math.max(0, ...this.entries.map((entry) => Number(entry.key.slice(prefix.length).split("-")[0])));
    addEventListener("storage", (event) => this.elsewhere(event));
    addEventListener("online", () => this.send());
  }

  /** Keep an act and send it. */
  put(path, body) {
    this.clock = Math.max(Date.now(), this.clock + 1); // never back, whatever the clock of the machine does
    const entry = { key: `${this.prefix}${String(this.clock).padStart(15, "0")}-${this.tab}`, path, body };
    try {
      localStorage.setItem(entry.key, JSON.stringify({ path, body }));
    } catch {
      this.kept = false;
    }
    this.entries.push(entry);
    this.on.state();
    this.send();
    return entry;
  }

  get size() {
    return this.entries.length;
  }

  /** Ids of records whose answers wait here. */
  records() {
    return this.entries.filter((entry) => entry.path === "/api/answer").map((entry) => entry.body.record);
  }

  /** Send what is there, one after the other. */
  async send() {
    if (this.sending) return;
    clearTimeout(this.timer);
    this.sending = true;
    try {
      while (this.entries.length) await this.sendFirst();
    } catch (error) {
      this.timer = setTimeout(() => this.send(), this.wait);
      this.wait = Math.min(this.wait * 2, LONGEST_WAIT);
    } finally {
      this.sending = false;
      this.on.state();
    }
  }

  async sendFirst() {
    const entry = this.entries[0];
    try {
      const reply = await post(entry.path, entry.body);
      this.done(entry);
      this.on.sent(entry, reply);
    } catch (error) {
      if (error instanceof Refused && FINAL.has(error.status)) {
        this.done(entry);
        this.on.refused(entry, error);
        return;
      }
      if (!(error instanceof Refused || error instanceof Unreachable)) throw error;
      this.why = error.message;
      if (error instanceof Refused && error.status === 401) this.on.signedOut();
      throw error;
    }
  }

  done(entry) {
    this.why = "";
    this.wait = FIRST_WAIT;
    this.remove(entry.key);
    try {
      localStorage.removeItem(entry.key);
    } catch {
      this.kept = false;
    }
    this.on.state();
  }

  remove(key) {
    this.entries = this.entries.filter((entry) => entry.key !== key);
  }

  /** Entries that an earlier page of this person left behind. */
  stored() {
    const found = [];
    try {
      for (let i = 0; i < localStorage.length; i++) {
        const key = localStorage.key(i);
        if (key.startsWith(this.prefix)) found.push({ key, ...JSON.parse(localStorage.getItem(key)) });
      }
    } catch {
      this.kept = false;
    }
    return found.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** Another tab has sent an entry that this one has, too. */
  elsewhere(event) {
    const inFlight = this.sending && this.entries.length && this.entries[0].key === event.key;
    if (event.key && event.newValue === null && event.key.startsWith(this.prefix) && !inFlight) {
      this.remove(event.key);
      this.on.state();
    }
  }
}

/** Random hexadecimal digits, two per byte; crypto.randomUUID is not there without https. */
export function random(bytes) {
  return Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
