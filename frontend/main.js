// What set-up bundles into static/built/editor.js; static/console/editor.js loads it where it is needed.
export { edit } from "./editor.js";
export { compare } from "./merge.js";
