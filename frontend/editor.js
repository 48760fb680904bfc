// The console's YAML editor: stands in for a text area, which stays the form's field.
//
// It lives in a shadow root. There its styles are constructed sheets, so that it needs no inline
// style of the page's content security policy; colours are the console's variables, so that light
// and dark follow by themselves.

import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { extensions } from "./yaml.js";
import { checks } from "./check.js";
import { looks } from "./looks.js";

const LINE = 20;  // px
const TALLEST = "60vh";

/** Puts an editor in the place of `area` (a textarea with data-editor). */
export function edit(area) {
  const texts = JSON.parse(area.dataset.texts || "{}");
  const host = document.createElement("div");
  host.className = "kc-editor";
  area.after(host);
  const root = host.attachShadow({ mode: "open" });
  const foot = footer(texts);
  const locked = area.readOnly || area.disabled;
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: area.value,
      extensions: [
        EditorState.phrases.of(texts),
        extensions({ locked }),
        checks(area, texts, foot),
        looks,
        EditorView.theme({
          ".cm-content, .cm-gutter": { minHeight: `${Math.min(Number(area.rows) || 6, 24) * LINE}px` },
          ".cm-scroller": { maxHeight: TALLEST },
        }),
        EditorView.contentAttributes.of(named(area, texts)),
        EditorView.updateListener.of((update) => { if (update.docChanged) { written(area, update.state); } }),
      ],
    }),
  });
  root.append(foot.line);
  standIn(area, view);
}

/** What assistive technology reads: labels cannot be referred to out of a shadow root. */
function named(area, texts) {
  const label = area.labels && area.labels[0];
  const name = area.getAttribute("aria-label") || (label ? label.textContent.trim() : "YAML");
  const help = area.getAttribute("aria-describedby");
  const found = help ? document.getElementById(help) : null;
  const described = [found ? found.textContent.trim() : "", texts.leave].filter(Boolean).join(" ");
  const invalid = area.closest(".errors") ? { "aria-invalid": "true" } : {};
  return { "aria-label": name, "aria-description": described, spellcheck: "false", ...invalid };
}

/** The text area is what the form sends, and what htmx and others listen to. */
function written(area, state) {
  area.value = state.doc.toString();
  area.dispatchEvent(new Event("input", { bubbles: true }));
}

function standIn(area, view) {
  area.hidden = true;
  area.style.display = "none";  // the theme sets display itself
  area.required = false;  // the browser could not point at it; the server says so
  for (const label of area.labels || []) {
    label.addEventListener("click", (event) => { event.preventDefault(); view.focus(); });
  }
  const put = () => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: area.value } });
  area.addEventListener("kc:put", put);  // somebody else wrote into the text area
  if (area.form) { area.form.addEventListener("reset", () => setTimeout(put)); }
}

function footer(texts) {
  const line = document.createElement("div");
  const said = document.createElement("button");
  const hint = document.createElement("span");
  line.className = "kc-foot";
  said.type = "button";
  said.hidden = true;  // until there is something to say
  said.className = "kc-said";
  said.setAttribute("aria-live", "polite");
  hint.className = "kc-hint";
  hint.textContent = texts.leave || "";
  line.append(said, hint);
  return { line, said };
}
