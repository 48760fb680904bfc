/* Loads the YAML editor for the text areas that ask for one; without it they stay text areas. */
(function () {
  "use strict";

  function begin(found, name) {
    found.forEach(function (one) {
      var url = one.dataset.editor;
      delete one.dataset.editor;
      import(url).then(function (editor) { editor[name](one); });
    });
  }

  function look() {
    begin(document.querySelectorAll("textarea[data-editor]"), "edit");
    begin(document.querySelectorAll("div[data-editor]"), "compare");
  }

  document.addEventListener("DOMContentLoaded", look);
  document.addEventListener("htmx:afterSettle", look);
})();
