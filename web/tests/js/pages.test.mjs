// The pages as files: preloaded modules, existing ids, nothing inline, nothing from another origin, no import
// cycles, and heads that are alike.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const PAGES = new URL("../../pages/", import.meta.url);
const read = (path) => readFileSync(new URL(path, PAGES), "utf8");
const scripts = readdirSync(PAGES, { recursive: true }).filter((path) => path.endsWith(".js"));

// By page: its module, and what it imports only when it is needed.
const ENTRIES = {
  "admin.html": "admin/main.js",
  "index.html": "app/main.js",
  "booth.html": "booth/main.js",
  "camera.html": "camera/main.js",
  "gallery.html": "gallery/main.js",
  "join.html": "join/main.js",
  "screen.html": "screen/main.js",
  "docs.html": "docs/main.js",
  "tracks.html": "app/tracks.js",
  "locked.html": "app/page.js",
};
const PRELOADED = ["admin.html", "index.html", "booth.html", "camera.html", "gallery.html", "join.html", "screen.html"];

// The paths that a script imports: statically, or with import() as well.
function imports(path, { dynamic = false } = {}) {
  const found = [...read(path).matchAll(/^(?:import .*|}) from "([^"]+)";/gm)];
  if (dynamic) found.push(...read(path).matchAll(/\bimport\("([^"]+)"\)/g));
  return found.map(([, from]) => new URL(from, new URL(path, PAGES)).href.replace(PAGES.href, ""));
}

function reachable(path, options, found = new Set()) {
  for (const next of imports(path, options)) {
    if (found.has(next)) continue;
    found.add(next);
    reachable(next, options, found);
  }
  return found;
}

test("a page preloads exactly the modules that it imports statically", () => {
  for (const page of PRELOADED) {
    const preloaded = [...read(page).matchAll(/modulepreload" href="([^"]+)"/g)].map(([, path]) => path);
    assert.deepEqual(preloaded.sort(), [...reachable(ENTRIES[page])].sort(), page);
  }
});

test("every script is used by a page, and no import leads in a circle", () => {
  const used = new Set(["app/early.js"]);
  for (const entry of [...Object.values(ENTRIES), "worker.js"]) {
    used.add(entry);
    reachable(entry, { dynamic: true }, used);
  }
  assert.deepEqual([...used].sort(), scripts.sort());
  for (const path of scripts) {
    assert.ok(!reachable(path, { dynamic: true }).has(path), `${path} imports itself by way of others`);
  }
});

test("every file that a page names exists", () => {
  for (const page of Object.keys(ENTRIES)) {
    for (const [, path] of read(page).matchAll(/(?:src|href)="(?:\.\.\/)?([a-z_/-]+\.(?:js|css|svg|png|webmanifest))"/g)) {
      if (!path.startsWith("qr/")) assert.ok(read(path).length > 0, `${page}: ${path}`);
    }
  }
});

test("every element that a script looks up by its id exists", () => {
  for (const [page, entry] of Object.entries(ENTRIES)) {
    const ids = new Set([...read(page).matchAll(/ id="([^"]+)"/g)].map((match) => match[1]));
    for (const path of [entry, ...reachable(entry)]) {
      for (const [, id] of read(path).matchAll(/byId\("([^"]+)"\)/g)) {
        assert.ok(ids.has(id), `${page}: ${path} looks up #${id}`);
      }
    }
  }
});

test("nothing inline, which the content security policy would refuse, and nothing from another origin", () => {
  const namespace = /http:\/\/www\.w3\.org\/2000\/svg/g;
  const styles = readdirSync(PAGES, { recursive: true }).filter((path) => path.endsWith(".css"));
  for (const page of Object.keys(ENTRIES)) {
    assert.doesNotMatch(read(page), /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:/, page);
  }
  for (const path of [...Object.keys(ENTRIES), ...scripts, ...styles]) {
    assert.doesNotMatch(read(path).replace(namespace, ""), /["'(]https?:\/\/|\/\/[a-z]+\.[a-z]+\//, path);
  }
});

// The pages are plain files, so the head and the bar are repeated in each; this keeps the copies alike.
test("the heads and bars of the pages are alike", () => {
  const lines = (page, pattern) => read(page).replaceAll('"../', '"').split("\n").map((line) => line.trim()).filter((line) => pattern.test(line));
  const head = /^<(meta (charset|name="(viewport|color-scheme|theme-color)")|link rel="icon"|script src="app\/early|link rel="stylesheet" href="app\/(theme|page)\.)/;
  const bar = /^<(select id="language"|button [^>]*id="sunlight"|svg class="mark")/;
  const pages = ["admin.html", "camera.html", "docs.html", "gallery.html", "join.html", "tracks.html"];
  for (const page of pages) assert.deepEqual(lines(page, head), lines("booth.html", head), page);
  for (const page of pages) assert.deepEqual([...new Set(lines(page, bar))].sort(), [...new Set(lines("booth.html", bar))].sort(), page);
});

test("the manifest names icons that exist, in their sizes", () => {
  const manifest = JSON.parse(read("manifest.webmanifest"));
  for (const { src, sizes, type } of manifest.icons) {
    const bytes = readFileSync(new URL(src, PAGES));
    if (type !== "image/png") continue;
    // Width and height in the IHDR chunk (PNG, 11.2.2).
    assert.equal(`${bytes.readUInt32BE(16)}x${bytes.readUInt32BE(20)}`, sizes, src);
    assert.ok(bytes.length < 20000, `${src}: ${bytes.length} bytes`);
  }
  assert.ok(manifest.icons.some(({ purpose }) => purpose === "maskable"));
});
