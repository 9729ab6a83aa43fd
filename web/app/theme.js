// Before anything is drawn: light or dark, as the system or as chosen.
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const stored = () => {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null;
    }
  };
  const apply = () => {
    document.documentElement.dataset.theme = stored() ?? (system.matches ? "dark" : "light");
  };
  apply();
  system.addEventListener("change", apply);
  addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const say = () => button.setAttribute("aria-label", `Colours: ${stored() ?? "as the system"}`);
    say();
    button.addEventListener("click", () => {
      const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
      const own = next === (system.matches ? "dark" : "light");
      try {
        if (own) localStorage.removeItem("theme");
        else localStorage.setItem("theme", next);
      } catch {
        // It lasts until the page is closed.
      }
      document.documentElement.dataset.theme = next;
      say();
    });
  });
})();
