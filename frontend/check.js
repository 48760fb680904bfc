// What is wrong with the text, as the server says: it has the one reader that counts.

import { forEachDiagnostic, linter, lintGutter, nextDiagnostic } from "@codemirror/lint";
import { EditorView } from "@codemirror/view";

const PAUSE = 400;  // ms without a key

/** Asks `area.dataset.check` after each pause; `data-problems` are those the page came with. */
export function checks(area, texts, foot) {
  let first = JSON.parse(area.dataset.problems || "[]");
  let sought = null;
  const source = async (view) => {
    const text = view.state.doc.toString();
    const given = first;
    first = [];
    if (!text.trim()) { return []; }
    if (sought) { sought.abort(); }
    sought = new AbortController();
    const found = await ask(area, text, sought.signal);
    const known = new Set(found.map((one) => one.message));
    return [...given.filter((one) => !known.has(one.message)), ...found].map((one) => placed(view.state.doc, one));
  };
  foot.said.addEventListener("click", () => { if (foot.view) { nextDiagnostic(foot.view); foot.view.focus(); } });
  return [
    lintGutter(),
    linter(source, { delay: PAUSE }),
    EditorView.updateListener.of((update) => { foot.view = update.view; tell(update.state, texts, foot); }),
  ];
}

async function ask(area, text, signal) {
  if (!area.dataset.check) { return []; }
  const form = new FormData();
  form.set("yaml", text);
  for (const name of (area.dataset.sends || "").split(" ").filter(Boolean)) {
    const field = area.form && area.form.elements[name];
    form.set(name, field ? field.value : "");
  }
  const token = area.form && area.form.elements.csrfmiddlewaretoken;
  const headers = { "X-CSRFToken": token ? token.value : "", Accept: "application/json" };
  try {
    const answer = await fetch(area.dataset.check, { method: "POST", body: form, headers, signal });
    if (!answer.ok || !(answer.headers.get("Content-Type") || "").includes("json")) { return []; }
    return (await answer.json()).problems;
  } catch (error) {
    return [];  // no network, or a newer text is asked about: saving will say
  }
}

/** A problem's line and column (both from 1, 0 where unknown) as a range of the text. */
function placed(doc, { line, column, message, severity }) {
  const at = doc.line(Math.min(Math.max(line, 1), doc.lines));
  const from = Math.min(at.from + Math.max(column - 1, 0), at.to);
  const word = /^[\w./-]+/.exec(doc.sliceString(from, at.to));
  return { from, to: word ? from + word[0].length : Math.max(at.to, from), severity: severity || "error", message };
}

function tell(state, texts, foot) {
  const found = [];
  forEachDiagnostic(state, (one, from) => found.push([from, one]));
  foot.said.hidden = !found.length;
  if (!found.length) { foot.said.textContent = ""; return; }
  const [from, one] = found[0];
  const more = found.length > 1 ? ` (+${found.length - 1})` : "";
  const text = `${(texts.line || "$").replace("$", state.doc.lineAt(from).number)}: ${one.message}${more}`;
  if (foot.said.textContent !== text) { foot.said.textContent = text; }
  foot.said.dataset.severity = one.severity;
}
