// The page as files: everything is preloaded, nothing is inline, nothing comes from elsewhere.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const PAGES = new URL("../../pages/", import.meta.url);
const read = (path) => readFileSync(new URL(path, PAGES), "utf8");
const html = read("index.html");
const assets = readdirSync(new URL("app/", PAGES));

test("every module is preloaded, and only what is there", () => {
  const modules = assets.filter((name) => name.endsWith(".js") && !/^(early|main)\.js$/.test(name));
  const preloaded = [...html.matchAll(/modulepreload" href="\/app\/([a-z_]+\.js)"/g)].map(
    (m) => m[1],
  );
  assert.deepEqual(preloaded.sort(), modules.sort());
});

test("everything the page names is there", () => {
  for (const [, name] of html.matchAll(/(?:src|href)="\/app\/([^"]+)"/g)) {
    assert.ok(assets.includes(name), name);
  }
});

test("every element that scripts look for by its id is there", () => {
  const ids = new Set([...html.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]));
  for (const name of assets.filter((asset) => asset.endsWith(".js"))) {
    for (const [, id] of read(`app/${name}`).matchAll(/byId\("([^"]+)"\)/g)) {
      assert.ok(ids.has(id), `${name} looks for #${id}`);
    }
  }
});

test("nothing inline: the content security policy would refuse it", () => {
  for (const page of [html, read("locked.html")]) {
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
  const preloaded = [...camera.matchAll(/modulepreload" href="\/camera\/([a-z_]+\.js)"/g)];
  assert.deepEqual(preloaded.map((match) => match[1]).sort(), modules.sort());
  for (const [, path] of camera.matchAll(/(?:src|href)="\/((?:app|camera)\/[^"]+)"/g)) {
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
