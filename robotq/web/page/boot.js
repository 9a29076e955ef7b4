"use strict";
// Before anything is painted: the colours and the language that this browser chose last.
(() => {
  const kept = (name) => {
    try { return localStorage.getItem(`robotq.${name}`); } catch { return null; }
  };
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const paint = () => {
    const chosen = root.dataset.chosen || "auto";
    root.dataset.theme = chosen === "auto" ? (dark.matches ? "dark" : "light") : chosen;
  };
  const theme = kept("theme");
  root.dataset.chosen = ["light", "dark"].includes(theme) ? theme : "auto";
  root.lang = kept("language") || (navigator.language.startsWith("zh") ? "zh" : "en");
  dark.addEventListener("change", paint);
  addEventListener("robotq-theme", paint);
  paint();
})();
