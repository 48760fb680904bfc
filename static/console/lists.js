/* Lists that refresh by themselves: only what changed is touched, so that focus, scrolling and what
   a person is doing with the rows stay. htmx asks, the server answers 304 while nothing changed. */
(function () {
  "use strict";

  var BOX = "input.action-select";

  function busy(list) {
    var chosen = window.getSelection();
    return document.visibilityState !== "visible" ||
      list.querySelector(BOX + ":checked, #action-toggle:checked") !== null ||
      document.querySelector("dialog[open], [aria-modal=true]") !== null ||
      (chosen !== null && !chosen.isCollapsed && list.contains(chosen.anchorNode));
  }

  // What makes an element the same one after the rows moved.
  function nameOf(element) {
    return ["tagName", "id", "name", "value"].map(function (key) { return element[key] || ""; })
      .concat(element.getAttribute("href") || "").join("\n");
  }

  function focusAgain(list, name) {
    if (name === null || (list.contains(document.activeElement) && nameOf(document.activeElement) === name)) { return; }
    var found = Array.prototype.find.call(list.querySelectorAll("a, button, input, summary, select"), function (one) {
      return nameOf(one) === name;
    });
    if (found) { found.focus({ preventScroll: true }); }
  }

  // Django's script knows the boxes that were there when the page came: they stay, with another value.
  function updateCell(old, fresh) {
    var box = old.querySelector(BOX), other = fresh.querySelector(BOX);
    if (box && other) {
      ["value", "id", "aria-label"].forEach(function (key) {
        if (other.hasAttribute(key)) { box.setAttribute(key, other.getAttribute(key)); }
      });
    } else if (old.outerHTML !== fresh.outerHTML) {
      old.replaceWith(document.adoptNode(fresh));
    }
  }

  function updateRows(old, fresh) {
    Array.from(fresh.tBodies).forEach(function (body, index) {
      var cells = Array.from(body.querySelectorAll("td, th"));
      Array.from(old.tBodies[index].querySelectorAll("td, th")).forEach(function (cell, at) {
        updateCell(cell, cells[at]);
      });
    });
  }

  function sameShape(old, fresh) {
    return old && fresh && old.tBodies.length === fresh.tBodies.length &&
      Array.from(old.tBodies).every(function (body, index) {
        return body.querySelectorAll("td, th").length === fresh.tBodies[index].querySelectorAll("td, th").length;
      });
  }

  function replaceAll(list, fresh) {
    var scroller = document.getElementById("result_list"), left = scroller ? scroller.parentElement.scrollLeft : 0;
    list.innerHTML = fresh.innerHTML;
    var boxes = list.querySelectorAll(BOX), table = document.getElementById("result_list");
    if (table) { table.parentElement.scrollLeft = left; }
    if (boxes.length && window.Actions) { window.Actions(boxes, { parent: list.closest(".result-list-wrapper") }); }
  }

  function show(list, html) {
    var page = new DOMParser().parseFromString(html, "text/html");
    var fresh = page.getElementById("kc-list"), pages = page.getElementById("kc-pages");
    if (!fresh) { return; }
    window.kcName(page);
    var focused = list.contains(document.activeElement) ? nameOf(document.activeElement) : null;
    var old = list.querySelector("#result_list"), next = fresh.querySelector("#result_list");
    if (sameShape(old, next)) { updateRows(old, next); } else { replaceAll(list, fresh); }
    focusAgain(list, focused);
    var shown = document.getElementById("kc-pages");
    if (pages && !shown.contains(document.activeElement)) { shown.innerHTML = pages.innerHTML; }
  }

  document.addEventListener("htmx:beforeRequest", function (event) {
    if (event.detail.elt.id === "kc-list" && busy(event.detail.elt)) { event.preventDefault(); }
  });

  document.addEventListener("htmx:configRequest", function (event) {
    var seen = event.detail.elt.dataset.seen;
    if (event.detail.elt.id === "kc-list" && seen) { event.detail.headers["If-None-Match"] = seen; }
  });

  document.addEventListener("htmx:afterRequest", function (event) {
    var list = event.detail.elt, answer = event.detail.xhr;
    if (list.id !== "kc-list" || answer.status !== 200 || busy(list)) { return; }
    show(list, answer.responseText);
    list.dataset.seen = answer.getResponseHeader("ETag") || "";
  });
})();
