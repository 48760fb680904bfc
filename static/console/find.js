/* Ctrl-K: a box over any page that leads to another. Without scripts the side bar does. */
(function () {
  "use strict";

  function box() { return document.getElementById("kc-finder"); }

  function open() {
    var dialog = box();
    if (!dialog || dialog.open) { return; }
    var input = dialog.querySelector("input");
    dialog.showModal();
    input.value = "";
    input.focus();
    input.dispatchEvent(new Event("kc:open"));
  }

  function choose(dialog, by) {
    var lines = Array.from(dialog.querySelectorAll("[role=option]"));
    var at = lines.findIndex(function (one) { return one.getAttribute("aria-selected") === "true"; });
    var next = lines[(at + by + lines.length) % lines.length];
    if (!next) { return; }
    lines.forEach(function (one) { one.setAttribute("aria-selected", String(one === next)); });
    dialog.querySelector("input").setAttribute("aria-activedescendant", next.id);
    next.scrollIntoView({ block: "nearest" });
  }

  document.addEventListener("keydown", function (event) {
    var dialog = box();
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open();
    } else if (dialog && dialog.open && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      choose(dialog, event.key === "ArrowDown" ? 1 : -1);
    } else if (dialog && dialog.open && event.key === "Escape") {
      event.preventDefault();  // else the box of a search empties itself first
      dialog.close();
    } else if (dialog && dialog.open && event.key === "Enter") {
      event.preventDefault();
      var line = dialog.querySelector("[aria-selected=true] a");
      if (!line) { return; }
      if (event.ctrlKey || event.metaKey) { window.open(line.href, "_blank", "noopener"); } else { window.location.assign(line.href); }
    }
  });

  document.addEventListener("click", function (event) {
    if (event.target.closest("[data-find]")) { open(); }
    if (event.target === box()) { event.target.close(); }  // outside of the box, on its backdrop
  });
})();
