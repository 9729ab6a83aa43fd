// What can be undone: states that follow one another. A state is text.

export class History {
  #past = [];
  #future = [];

  constructor(state) {
    this.state = state;
  }

  /** A new state; `joined` ones are undone together with the one before. */
  put(state, joined = false) {
    if (state === this.state) return;
    if (!joined) this.#past.push(this.state);
    if (this.#past.length > 500) this.#past.shift();
    this.#future = [];
    this.state = state;
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  undo() {
    if (!this.canUndo) return;
    this.#future.push(this.state);
    this.state = this.#past.pop();
  }

  redo() {
    if (!this.canRedo) return;
    this.#past.push(this.state);
    this.state = this.#future.pop();
  }
}
