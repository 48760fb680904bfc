/* What the console needs beyond htmx: nothing here is needed to work, only to work nicely. */
(function () {
  "use strict";

  // A refreshed block keeps the details that the reader had opened or closed, and the scrolling.
  var remembered = {};
  var scrolled = {};

  document.addEventListener("htmx:beforeSwap", function (event) {
    var target = event.detail.target;
    remembered = {};
    scrolled = {};
    target.querySelectorAll("details[id]").forEach(function (one) { remembered[one.id] = one.open; });
    target.querySelectorAll("[id].kc-matrix-scroll").forEach(function (one) {
      scrolled[one.id] = [one.scrollLeft, one.scrollTop];
    });
    if (target.id === "kc-preview" && event.detail.xhr.status === 422) { event.detail.shouldSwap = true; }
  });

  document.addEventListener("htmx:afterSwap", function () {
    Object.keys(remembered).forEach(function (id) {
      var found = document.getElementById(id);
      if (found && id !== "kc-helm") { found.open = remembered[id]; }
    });
    Object.keys(scrolled).forEach(function (id) {
      var found = document.getElementById(id);
      if (found) { found.scrollLeft = scrolled[id][0]; found.scrollTop = scrolled[id][1]; }
    });
  });

  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-copy]");
    if (!button) { return; }
    navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
    button.querySelector("span:last-child").textContent = "✓";
  });

  // The theme has no skip link: the first Tab leads to the content.
  document.addEventListener("DOMContentLoaded", function () {
    var content = document.getElementById("content");
    if (!content || !document.getElementById("nav-sidebar-apps")) { return; }
    content.tabIndex = -1;
    var link = document.createElement("a");
    link.className = "kc-skip";
    link.href = "#content";
    link.textContent = document.querySelector("[data-skip]").dataset.skip;
    document.body.prepend(link);
  });
})();
