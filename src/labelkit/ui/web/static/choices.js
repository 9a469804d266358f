// Which classes are chosen of the records, where a record may have several. Nothing of it is said before it is stored;
// what was chosen is still there when a record comes back.

export class Choices {
  constructor(classes) {
    this.classes = classes; // as the task names them: their labels, in order
    this.chosen = new Map(); // record -> set of labels
  }

  /** The classes chosen of a record, in their order. */
  of(asked) {
    const chosen = this.chosen.get(asked.record) ?? new Set(asked.chosen);
    return this.classes.filter((label) => chosen.has(label));
  }

  toggle(asked, label) {
    const chosen = new Set(this.of(asked));
    if (!chosen.delete(label)) chosen.add(label);
    this.chosen.set(asked.record, chosen);
  }

  replace(asked, labels) {
    this.chosen.set(asked.record, new Set(labels));
  }

  /** The answer: what it says of each class that there was to choose. */
  answer(asked) {
    const chosen = new Set(this.of(asked));
    return Object.fromEntries(this.classes.map((label) => [label, chosen.has(label)]));
  }
}

/** The classes that an answer gives to a record. */
export function classesIn(answer) {
  return Object.keys(answer).filter((label) => answer[label]);
}
