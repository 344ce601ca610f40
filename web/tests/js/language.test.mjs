// The language files, and the lookup of texts.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { ENGLISH } from "../../pages/app/live_words.js";
import { choose, makeWords, wantsEnglish } from "../../pages/app/language.js";
import { styleTitle } from "../../pages/booth/words.js";

const PAGES = new URL("../../pages/", import.meta.url);
const read = (path) => readFileSync(new URL(path, PAGES), "utf8");
const tables = Object.fromEntries(
  readdirSync(new URL("lang/", PAGES)).map((name) => [name.replace(".json", ""), JSON.parse(read(`lang/${name}`))]),
);

test("the best available language", () => {
  const there = ["en", "de", "es", "pt-BR"];
  assert.equal(choose(there, ["de-AT", "en"]), "de");
  assert.equal(choose(there, ["fr", "es-419", "en"]), "es");
  assert.equal(choose(there, ["PT-br"]), "pt-BR");
  assert.equal(choose(there, ["fr"]), "en");
  assert.equal(choose(there, [undefined, ""]), "en");
});

test("English needs no list of languages", () => {
  for (const tags of [["en"], ["en-GB", "de"], ["EN-us"], []]) assert.ok(wantsEnglish(tags), tags);
  for (const tags of [["de", "en"], ["enm"], ["x"]]) assert.ok(!wantsEnglish(tags), tags);
});

test("numbers keep their decimals", () => {
  const { number } = makeWords("de", {}, {});
  assert.deepEqual([number(1.04, 1), number(2, 1), number(1234.6)], ["1,0", "2,0", "1.235"]);
});

test("values, numbers and plurals follow the language's rules", () => {
  const english = { "a.one": "{count} thing", "a.other": "{count} things", b: "{name} of {count}" };
  const en = makeWords("en", english, english);
  assert.equal(en.say("a", { count: 1 }), "1 thing");
  assert.equal(en.say("a", { count: 1200 }), "1,200 things");
  assert.equal(en.say("b", { name: "x" }), "x of {count}");
  const pl = { "a.one": "rzecz", "a.few": "{count} rzeczy", "a.many": "{count} rzeczy!" };
  assert.equal(makeWords("pl", pl, english).say("a", { count: 3 }), "3 rzeczy");
  assert.equal(makeWords("pl", pl, english).say("a", { count: 5 }), "5 rzeczy!");
});

test("a missing key falls back to English, then to itself", () => {
  const some = makeWords("de", {}, { "a.one": "one", "a.other": "{count}", b: "B" });
  assert.equal(some.say("b"), "B");
  assert.equal(some.say("a", { count: 2 }), "2");
  assert.equal(some.say("nowhere"), "nowhere");
  assert.ok(some.knows("b") && !some.knows("c"));
});

test("a file that is named after no known language works", () => {
  assert.equal(makeWords("x_y", { a: "A {n}" }, {}).say("a", { n: 1.5 }), "A 1.5");
});

test("the shipped files have the same keys and the same placeholders", () => {
  assert.ok(Object.keys(tables).length >= 3);
  const holes = (text) => [...text.matchAll(/\{\w+\}/g)].map(([hole]) => hole).sort();
  for (const [code, table] of Object.entries(tables)) {
    assert.deepEqual(Object.keys(table).sort(), Object.keys(tables.en).sort(), code);
    for (const [key, text] of Object.entries(table)) {
      assert.ok(text.trim() !== "", `${code}: ${key} is empty`);
      assert.deepEqual(holes(text), holes(tables.en[key]), `${code}: ${key}`);
    }
  }
});

test("a style's title is translated, an owner's own title is not", () => {
  const de = makeWords("de", tables.de, tables.en);
  assert.equal(styleTitle({ title: "Oil painting" }, de), "Ölgemälde");
  assert.equal(styleTitle({ title: "Grandma's kitchen" }, de), "Grandma's kitchen");
  for (const [key, title] of Object.entries(tables.en)) {
    if (key.startsWith("styles.")) assert.equal(styleTitle({ title }, de), tables.de[key]);
  }
});

const HTML = ["admin.html", "index.html", "camera.html", "booth.html", "gallery.html", "join.html", "screen.html", "tracks.html"];

test("the English texts in the pages are those of en.json", () => {
  for (const page of [...HTML, "app/moment.js", "booth/kiosk/attract.js", "booth/kiosk/take_home.js"]) {
    const html = read(page);
    for (const [, key, text] of html.matchAll(/data-words="([^"]+)"[^>]*>([^<]*)</g)) {
      assert.equal(text, tables.en[key], `${page}: ${key}`);
    }
    const named = /(aria-label|title|alt)="([^"]*)" data-words-(label|title|alt)="([^"]+)"/g;
    const all = [...html.matchAll(named)];
    for (const [, , text, , key] of all) assert.equal(text, tables.en[key], `${page}: ${key}`);
    assert.equal(all.length, html.match(/data-words-/g)?.length ?? 0, `${page}: each after its English`);
  }
});

test("the live page's English table is part of en.json, and complete", () => {
  const files = readdirSync(new URL("app/", PAGES)).filter((name) => name.endsWith(".js"));
  const scripts = files.map((name) => read(`app/${name}`).replace(/ENGLISH = \{.*?^\};/ms, "")).join("\n");
  for (const [key, text] of Object.entries(ENGLISH)) {
    assert.equal(text, tables.en[key], key);
    const stem = key.slice(0, key.lastIndexOf("."));
    const said = [`"${key}"`, `\`${stem}.\${`, `"${stem}"`];
    assert.ok(said.some((one) => scripts.includes(one)), `${key}: not used`);
  }
  for (const [, key] of scripts.matchAll(/"(live\.[a-z.]+)"/g)) {
    assert.ok(key in ENGLISH || Object.keys(ENGLISH).some((known) => known.startsWith(`${key}.`)), key);
  }
});

test("every key that a script uses exists", () => {
  // A setting's key may look like one.
  const known = (key) => key in tables.en || `control.set.${key}` in tables.en || Object.keys(tables.en).some((one) => one.startsWith(`${key}.`));
  for (const folder of ["admin/", "booth/", "booth/kiosk/", "camera/", "gallery/", "join/", "app/"]) {
    for (const name of readdirSync(new URL(folder, PAGES)).filter((file) => file.endsWith(".js"))) {
      const text = read(`${folder}${name}`);
      const keys = [...text.matchAll(/"((?:camera|fetch|kiosk|presence|send|queue|wait|work|consent|gallery|admin|note|moment|done|style|sender|tracks|control)\.[a-z_.]+)"/g)];
      for (const [, key] of keys) assert.ok(known(key), `${name}: ${key}`);
    }
  }
  for (const note of ["cancelled", "code_asked", "code_over", "erased", "expired", "gone", "heic", "no_camera", "no_live", "not_sent", "not_shown", "unanswered"]) {
    assert.ok(known(`note.${note}`), note);
  }
  for (const kind of ["400", "401", "404", "413", "415", "422", "503", "job", "other"]) {
    assert.ok(known(`trouble.${kind}`) && known(`trouble.${kind}.detail`), kind);
  }
});
