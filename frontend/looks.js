// Colours and sizes, all out of the console's variables.

import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const highlighting = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--kc-link)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--kc-ok)" },
  { tag: tags.content, color: "var(--kc-strong)" },
  { tag: [tags.comment, tags.lineComment], color: "var(--kc-dim)", fontStyle: "italic" },
  { tag: [tags.keyword, tags.typeName, tags.labelName, tags.meta], color: "var(--kc-warn)" },
  { tag: [tags.punctuation, tags.separator, tags.brace, tags.squareBracket], color: "var(--kc-dim)" },
]);

const theme = EditorView.theme({
  "&": { fontSize: "12.5px", color: "var(--kc-strong)", backgroundColor: "var(--kc-paper)", border: "1px solid var(--kc-line)", borderRadius: "8px 8px 0 0" },
  "&.cm-focused": { outline: "2px solid var(--color-primary-500)", outlineOffset: "-1px" },
  ".cm-scroller": { fontFamily: "var(--kc-mono)", lineHeight: "20px", overflow: "auto" },
  ".cm-content": { caretColor: "var(--kc-strong)" },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--kc-strong)" },
  ".cm-gutters": { backgroundColor: "var(--kc-soft)", color: "var(--kc-dim)", borderRight: "1px solid var(--kc-line)", borderRadius: "8px 0 0 0" },
  ".cm-activeLine": { backgroundColor: "color-mix(in oklab, var(--kc-idle-soft) 45%, transparent)" },
  ".cm-activeLineGutter": { backgroundColor: "var(--kc-idle-soft)", color: "var(--kc-strong)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--kc-busy-soft)" },
  ".cm-selectionMatch": { backgroundColor: "var(--kc-warn-soft)" },
  ".cm-searchMatch": { backgroundColor: "var(--kc-warn-soft)", outline: "1px solid var(--kc-warn)" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--kc-busy-soft)" },
  ".cm-foldPlaceholder": { backgroundColor: "var(--kc-soft)", border: "1px solid var(--kc-line)", color: "var(--kc-dim)" },
  ".cm-panels": { backgroundColor: "var(--kc-soft)", color: "var(--kc-text)", fontFamily: "inherit" },
  ".cm-panels.cm-panels-top": { borderBottom: "1px solid var(--kc-line)" },
  ".cm-panels.cm-panels-bottom": { borderTop: "1px solid var(--kc-line)" },
  ".cm-panel.cm-search": { padding: "6px 28px 6px 8px" },
  ".cm-textfield": { backgroundColor: "var(--kc-paper)", color: "var(--kc-strong)", border: "1px solid var(--kc-line)", borderRadius: "6px" },
  ".cm-button": { backgroundImage: "none", backgroundColor: "var(--kc-paper)", color: "var(--kc-strong)", border: "1px solid var(--kc-line)", borderRadius: "6px" },
  ".cm-panel.cm-search [name=close]": { color: "var(--kc-text)" },
  ".cm-tooltip": { backgroundColor: "var(--kc-paper)", color: "var(--kc-text)", border: "1px solid var(--kc-line)", borderRadius: "6px", maxWidth: "min(60ch, 90vw)" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--kc-bad)" },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--kc-warn)" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--kc-bad)", textUnderlineOffset: "3px" },
  ".cm-lintRange-warning": { backgroundImage: "none", textDecoration: "underline wavy var(--kc-warn)", textUnderlineOffset: "3px" },
  ".cm-panel.cm-panel-lint ul [aria-selected]": { backgroundColor: "var(--kc-busy-soft)" },
  ".cm-changedLine": { backgroundColor: "var(--kc-add) !important" },
  "&.cm-merge-a .cm-changedLine, .cm-deletedChunk": { backgroundColor: "var(--kc-del) !important" },
  "&.cm-merge-a .cm-changedText, & .cm-deletedChunk .cm-deletedText, & .cm-deletedText": { background: "color-mix(in oklab, var(--kc-bad) 30%, transparent)" },
  "&.cm-merge-b .cm-changedText": { background: "color-mix(in oklab, var(--kc-ok) 30%, transparent)" },
  ".cm-collapsedLines": { backgroundImage: "none", backgroundColor: "var(--kc-soft)", color: "var(--kc-dim)" },
  ".cm-collapsedLines:before, .cm-collapsedLines:after": { content: "'⋯'" },  // CodeMirror's sign is in few fonts
  "+ .kc-foot": { fontSize: "12px", lineHeight: "18px", color: "var(--kc-dim)", display: "flex", flexWrap: "wrap", gap: "2px 12px", justifyContent: "space-between", padding: "5px 10px", border: "1px solid var(--kc-line)", borderTop: "0", borderRadius: "0 0 8px 8px", backgroundColor: "var(--kc-soft)" },
  "+ .kc-foot .kc-said": { all: "unset", cursor: "pointer", color: "var(--kc-bad)", fontWeight: "550", overflowWrap: "anywhere" },
  "+ .kc-foot .kc-said[hidden]": { display: "none" },
  "+ .kc-foot .kc-said[data-severity=warning]": { color: "var(--kc-warn)" },
  "+ .kc-foot .kc-said:focus-visible": { outline: "2px solid var(--color-primary-500)", outlineOffset: "2px" },
  "+ .kc-foot .kc-hint": { marginLeft: "auto" },
});

export const looks = [theme, syntaxHighlighting(highlighting)];
