// Two texts beside each other; one above the other where there is no room.

import { yaml } from "@codemirror/lang-yaml";
import { MergeView, unifiedMergeView } from "@codemirror/merge";
import { EditorState } from "@codemirror/state";
import { EditorView, lineNumbers } from "@codemirror/view";
import { looks } from "./looks.js";

const NARROW = "(max-width: 760px)";

/** Fills `host`: data-before and data-after name the elements that hold the texts, data-instead the one it replaces. */
export function compare(host) {
  const texts = JSON.parse(host.dataset.texts || "{}");
  const [before, after] = ["before", "after"].map((name) => document.getElementById(host.dataset[name]).textContent);
  document.getElementById(host.dataset.instead).hidden = true;  // the same difference as plain text
  const root = host.attachShadow({ mode: "open" });
  const collapseUnchanged = { margin: 3, minSize: 6 };
  const shared = (label) => [
    EditorState.phrases.of(texts), yaml(), lineNumbers(), looks,
    EditorState.readOnly.of(true), EditorView.editable.of(false),
    EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
  ];
  if (window.matchMedia(NARROW).matches) {
    const unified = unifiedMergeView({ original: before, mergeControls: false, gutter: true, collapseUnchanged });
    const state = EditorState.create({ doc: after, extensions: [shared(texts.after), unified] });
    new EditorView({ root, parent: root, state });
    return;
  }
  new MergeView({
    a: { doc: before, extensions: shared(texts.before) },
    b: { doc: after, extensions: shared(texts.after) },
    root, parent: root, gutter: true, collapseUnchanged,
  });
}
