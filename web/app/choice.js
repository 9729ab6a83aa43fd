// A row of buttons of which one is chosen: a radio group with arrow keys.

export function choice(host, options, chosen, pick) {
  const buttons = options.map(({ id, name }) => {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("role", "radio");
    button.dataset.id = id;
    button.textContent = name;
    button.addEventListener("click", () => set(id, true));
    return button;
  });
  const set = (id, tell = false) => {
    for (const button of buttons) {
      const on = button.dataset.id === id;
      button.setAttribute("aria-checked", String(on));
      button.tabIndex = on ? 0 : -1;
    }
    if (tell) pick(id);
  };
  host.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const at = buttons.indexOf(document.activeElement);
    const next = buttons[(at + by + buttons.length) % buttons.length];
    next.focus();
    set(next.dataset.id, true);
  });
  host.replaceChildren(...buttons);
  set(chosen);
  return set;
}
