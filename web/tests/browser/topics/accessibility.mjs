import { stateIs } from "../harness/eyes.mjs";

export const title = "accessibility: names, headings, focus, motion";

export async function run(t) {
  const page = await t.page({ reducedMotion: "reduce" });
  await stateIs(page, "live");
  const found = await page.evaluate(() => {
    const all = (selector) => [...document.querySelectorAll(selector)];
    const ids = all("[id]").map((element) => element.id);
    const named = (e) =>
      e.getAttribute("aria-label") || e.textContent.trim() || e.getAttribute("alt");
    const refers = all("[aria-controls], [aria-labelledby]").flatMap((e) =>
      [e.getAttribute("aria-controls"), e.getAttribute("aria-labelledby")].filter(Boolean),
    );
    return {
      language: document.documentElement.lang,
      title: document.title,
      headings: all("h1").length,
      mains: all("main").length,
      zoomable: !/user-scalable=no|maximum-scale/.test(
        document.querySelector("meta[name=viewport]").content,
      ),
      doubled: ids.filter((id, at) => ids.indexOf(id) !== at),
      nameless: all("button, a[href], main, nav, section")
        .filter((e) => !named(e))
        .map((e) => e.outerHTML),
      pictures: all("img").filter((image) => !image.hasAttribute("alt")).length,
      drawings: all("svg").filter((svg) => svg.getAttribute("aria-hidden") !== "true").length,
      dangling: refers.filter((id) => !document.getElementById(id)),
      positive: all("[tabindex]").filter((e) => e.tabIndex > 0).length,
      polite: document.getElementById("spoken").getAttribute("aria-live"),
      spoken: document.getElementById("spoken").textContent,
      moving: document.getAnimations().filter((a) => a.effect.getTiming().iterations === Infinity)
        .length,
    };
  });
  t.check(
    "the page has a language, a title, one heading and one main",
    found.language === "en" && found.title && found.headings === 1 && found.mains === 1,
    found.title,
  );
  t.check("zooming is allowed", found.zoomable);
  t.check("ids are unique and references resolve", !found.doubled.length && !found.dangling.length);
  t.check("every control and landmark has a name", found.nameless.length === 0, found.nameless.join(" "));
  t.check("images have alternative text, drawings are hidden", !found.pictures && !found.drawings);
  t.check("the focus order is the document order", found.positive === 0);
  t.check(
    "states are announced politely",
    found.polite === "polite" && found.spoken.startsWith("Live"),
    found.spoken,
  );
  t.check("nothing moves with reduced motion", found.moving === 0);

  const jumps = await t.page();
  await jumps.evaluate(() => {
    globalThis.shift = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) globalThis.shift += entry.value;
    }).observe({ type: "layout-shift", buffered: true });
  });
  await stateIs(jumps, "live");
  await jumps.waitForTimeout(4500);
  const shift = await jumps.evaluate(() => globalThis.shift);
  t.check("no layout shift while the page loads", shift < 0.02, shift.toFixed(4));
}
