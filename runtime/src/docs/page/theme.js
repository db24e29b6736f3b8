// Light, dark or the system's choice. Loaded before the page is painted, so that it does not flash.

const THEMES = ["system", "light", "dark"];
const KEY = "topicast-theme";

function stored() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // Storage can be forbidden; the choice then lasts as long as the page.
  }
}

function apply(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

let current = THEMES.includes(stored()) ? stored() : "system";
apply(current);

document.addEventListener("DOMContentLoaded", () => {
  const button = document.getElementById("theme");
  const show = () => {
    button.textContent = `Theme: ${current}`;
  };
  show();
  button.addEventListener("click", () => {
    current = THEMES[(THEMES.indexOf(current) + 1) % THEMES.length];
    try {
      localStorage.setItem(KEY, current);
    } catch {
      // As above.
    }
    apply(current);
    show();
  });
});
