"use strict";
// A trial that is chosen in one place is marked everywhere. Without this the page says the same.
(() => {
  const mark = (trial) => {
    document.querySelectorAll("[data-t]").forEach((element) => {
      element.classList.toggle("on", element.dataset.t === trial);
    });
  };
  document.addEventListener("click", (event) => {
    const element = event.target.closest("[data-t]");
    if (element) mark(element.classList.contains("on") ? "" : element.dataset.t);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    const row = event.target.closest("tr[data-t]");
    if (row) {
      mark(row.classList.contains("on") ? "" : row.dataset.t);
      event.preventDefault();
    }
  });
})();
