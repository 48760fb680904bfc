/* Cells know the head of their column, for screens on which a table becomes paragraphs; the theme's and
   the choosers' own controls get the names that they lack. */
(function () {
  "use strict";

  // What a control that is only a symbol is called: its field's placeholder, or the words next to it.
  function beside(control, symbol) {
    var field = control.form && control.form.querySelector("input[placeholder]");
    var words = field ? field.placeholder : control.parentElement.textContent.replace(symbol.textContent, "");
    return words.trim().split("\n")[0];
  }

  function name(root) {
    root.querySelectorAll(".kc-table:not(.kc-audit, .kc-changes, .kc-capacity, .kc-permissions), #result_list").forEach(function (table) {
      if (!table.tHead) { return; }
      var heads = Array.from(table.tHead.rows[0].cells, function (cell) {
        var text = cell.querySelector(".text a, .text span, .text");
        return (text || cell).textContent.trim();
      });
      Array.from(table.tBodies).forEach(function (body) {
        Array.from(body.rows).forEach(function (row) {
          Array.from(row.cells).forEach(function (cell, at) {
            if (cell.tagName !== "TD" || cell.colSpan > 1) { return; }
            if (heads[at] && !cell.classList.contains("action-checkbox")) { cell.dataset.named = heads[at]; }
            cell.classList.toggle("kc-blank", /^[–-]?$/.test(cell.textContent.trim()) && !cell.querySelector("input, svg, img"));
          });
        });
      });
      table.classList.add("kc-named");
    });
    root.querySelectorAll(".select2-search__field:not([aria-label])").forEach(function (field) {
      var chooser = field.closest(".select2-container");
      var label = chooser && chooser.previousElementSibling && (chooser.previousElementSibling.labels || [])[0];
      field.setAttribute("aria-label", label ? label.textContent.trim() : field.placeholder || "?");
    });
    root.querySelectorAll(".material-symbols-outlined:not([role], [aria-hidden])").forEach(function (symbol) {
      var control = symbol.closest("a, button");
      if (control && !control.ariaLabel && control.textContent.trim() === symbol.textContent.trim()) {
        var label = beside(control, symbol);
        if (!label) { return; }
        control.setAttribute("aria-label", label);
      }
      symbol.setAttribute("aria-hidden", "true");  // else its ligature is read out: "folder Namespaces"
    });
    root.querySelectorAll(".datetimeshortcuts a:not([aria-label])").forEach(function (link) {
      var symbol = link.querySelector("[title]");
      if (symbol) { link.setAttribute("aria-label", symbol.title); }
    });
  }

  document.addEventListener("htmx:afterSwap", function () { name(document); });
  window.addEventListener("load", function () { setTimeout(function () { name(document); }); });  // after the choosers' own
  window.kcName = name;  // lists.js compares rows that have been through this
})();
