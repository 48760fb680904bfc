/* Another row of a form, out of its <template>; without scripts there is one empty row per page. */
(function () {
  "use strict";

  document.documentElement.classList.add("kc-scripts");

  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-add]");
    if (!button) { return; }
    var rows = button.parentElement.querySelector("[data-rows]");
    var at = button.dataset.at || "";
    // A number that no row of this page has had.
    var next = String(Date.now() % 100000 + 1000 + rows.childElementCount).slice(-6);
    var found = document.getElementById(button.dataset.add).innerHTML;
    rows.insertAdjacentHTML("beforeend", found.split("__at__").join(at).split(button.dataset.mark).join(next));
    var made = rows.lastElementChild.querySelector("input:not([type=hidden]), select");
    if (made) { made.focus(); }
  });
})();
