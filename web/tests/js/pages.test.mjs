// The pages as files: everything is preloaded, nothing is inline, nothing comes from elsewhere.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const PAGES = new URL("../../pages/", import.meta.url);
const read = (path) => readFileSync(new URL(path, PAGES), "utf8");
const html = read("index.html");
const assets = readdirSync(new URL("app/", PAGES)).filter((name) => name.includes("."));
// Fetched by other pages, or when somebody asks for what they do: never before the first picture.
const LATER = ["figures.js", "latency.js", "locked.js", "panel.js", "retried.js", "timecode.js", "tracks.js", "translated.js"];

test("every module is preloaded, and only what is there", () => {
  const modules = assets.filter((name) => name.endsWith(".js") && !["early.js", "main.js", ...LATER].includes(name));
  const preloaded = [...html.matchAll(/modulepreload" href="app\/([a-z_]+\.js)"/g)].map(
    (m) => m[1],
  );
  assert.deepEqual(preloaded.sort(), modules.sort());
});

test("everything the page names is there", () => {
  for (const [, name] of html.matchAll(/(?:src|href)="app\/([^"]+)"/g)) {
    assert.ok(assets.includes(name), name);
  }
});

test("every element that scripts look for by its id is there", () => {
  const ids = new Set([...html.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]));
  for (const name of assets.filter((asset) => asset.endsWith(".js") && asset !== "tracks.js")) {
    for (const [, id] of read(`app/${name}`).matchAll(/byId\("([^"]+)"\)/g)) {
      assert.ok(ids.has(id), `${name} looks for #${id}`);
    }
  }
});

test("nothing inline: the content security policy would refuse it", () => {
  for (const page of [html, read("locked.html"), read("tracks.html")]) {
    assert.doesNotMatch(page, /<script(?![^>]*\bsrc=)/);
    assert.doesNotMatch(page, /<style|\sstyle=|\son[a-z]+=|javascript:/);
  }
});

test("nothing from elsewhere", () => {
  const namespaces = /http:\/\/www\.w3\.org\/2000\/svg/g;
  for (const path of ["index.html", "locked.html", ...assets.map((name) => `app/${name}`)]) {
    assert.doesNotMatch(
      read(path).replace(namespaces, ""),
      /https?:\/\/|\/\/[a-z]+\.[a-z]+\//,
      path,
    );
  }
});

const camera = read("camera.html");
const cameraAssets = readdirSync(new URL("camera/", PAGES));

test("the camera page: modules preloaded, ids there, nothing inline, nothing from elsewhere", () => {
  const modules = cameraAssets.filter((name) => name.endsWith(".js") && name !== "main.js");
  const preloaded = [...camera.matchAll(/modulepreload" href="camera\/([a-z_]+\.js)"/g)];
  assert.deepEqual(preloaded.map((match) => match[1]).sort(), modules.sort());
  for (const [, path] of camera.matchAll(/(?:src|href)="((?:app|camera)\/[^"]+)"/g)) {
    assert.ok(read(path).length > 0, path);
  }
  const ids = new Set([...camera.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]));
  for (const name of cameraAssets.filter((asset) => asset.endsWith(".js"))) {
    const text = read(`camera/${name}`);
    assert.doesNotMatch(text, /https?:\/\//, name);
    for (const [, id] of text.matchAll(/byId\("([^"]+)"\)/g)) {
      assert.ok(ids.has(id), `${name} looks for #${id}`);
    }
  }
  assert.doesNotMatch(camera, /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:/);
});

const namespace = '"http://www.w3.org/2000/svg"';
for (const name of ["booth", "gallery", "join"]) {
  const page = read(`${name}.html`);
  const files = readdirSync(new URL(`${name}/`, PAGES)).filter((file) => file.endsWith(".js"));

  test(`/${name}: every module that it comes to is preloaded, and only those`, () => {
    const found = new Set();
    const walk = (path) => {
      for (const [, from] of read(path).matchAll(/^(?:import|export) .*from "([^"]+)";/gm)) {
        const next = new URL(from, new URL(path, PAGES)).href.replace(PAGES.href, "");
        if (!found.has(next)) found.add(next) && walk(next);
      }
    };
    walk(`${name}/main.js`);
    const preloaded = [...page.matchAll(/modulepreload" href="([a-z_/]+\.js)"/g)];
    assert.deepEqual(preloaded.map((match) => match[1]).sort(), [...found].sort());
  });

  test(`/${name}: everything it names is there, ids too, nothing inline, nothing from elsewhere`, () => {
    for (const [, path] of page.matchAll(/(?:src|href)="([a-z_/-]+\.[a-z]+)"/g)) {
      if (!path.startsWith("qr/")) assert.ok(read(path).length > 0, path);
    }
    const ids = new Set([...page.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]));
    for (const file of files) {
      const text = read(`${name}/${file}`);
      assert.doesNotMatch(text.replace(namespace, ""), /"https?:\/\//, file);
      for (const [, id] of text.matchAll(/byId\("([^"]+)"\)/g)) {
        assert.ok(ids.has(id), `${file} looks for #${id}`);
      }
    }
    assert.doesNotMatch(page, /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:/);
    assert.doesNotMatch(page, /https?:\/\//);
  });
}

test("the page of the tracks: everything it names is there", () => {
  const page = read("tracks.html");
  for (const [, path] of page.matchAll(/(?:src|href)="\.\.\/([a-z_/]+\.[a-z]+)"/g)) assert.ok(read(path).length > 0, path);
  for (const [, id] of read("app/tracks.js").matchAll(/byId\("([^"]+)"\)/g)) {
    assert.ok(page.includes(` id="${id}"`), id);
  }
});

test("the manifest names icons that are there", () => {
  const manifest = JSON.parse(read("manifest.webmanifest"));
  for (const { src, sizes, type } of manifest.icons) {
    const bytes = readFileSync(new URL(src, PAGES));
    if (type !== "image/png") continue;
    // PNG 11.2.2: width and height of IHDR.
    assert.equal(`${bytes.readUInt32BE(16)}x${bytes.readUInt32BE(20)}`, sizes, src);
    assert.ok(bytes.length < 20000, `${src}: ${bytes.length} bytes`);
  }
  assert.ok(manifest.icons.some(({ purpose }) => purpose === "maskable"));
});
