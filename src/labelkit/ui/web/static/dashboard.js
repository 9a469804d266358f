// Figures about the people and the task, read again while they are looked at.

import { Refused, get } from "./server.js";
import { make, number } from "./view.js";

const EVERY = 4_000; // milliseconds

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
    this.place.replaceChildren(make("p", { text: JSON.stringify(figures) }));
  }
}
