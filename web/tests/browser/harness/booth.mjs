// Walking through the booth as a visitor does.

import { makeMock } from "../mock_server.mjs";
import { freeTcpPort } from "./ports.mjs";

export const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

// Runs `look` with a mock of its own, whose booth misbehaves on command.
export async function withMock(_, look) {
  const mock = await makeMock({ port: await freeTcpPort() });
  try {
    await mock.start();
    mock.booth.paceMs = 60;
    return await look(mock);
  } finally {
    await mock.end();
  }
}

// As a page that came over plain HTTP: loopback is a secure context otherwise.
export function plainHttp(page) {
  return page.addInitScript(() => {
    Object.defineProperty(window, "isSecureContext", { value: false });
    Object.defineProperty(Crypto.prototype, "randomUUID", { value: undefined });
    Object.defineProperty(navigator, "share", { value: undefined });
    Object.defineProperty(navigator, "canShare", { value: undefined });
    for (const missing of ["clipboard", "mediaDevices", "wakeLock"]) {
      Object.defineProperty(navigator, missing, { value: undefined });
    }
  });
}

export async function boothPage(t, station, { path = "booth", ...options } = {}) {
  return t.page({ ...PHONE, address: `${station.url}${path}`, before: plainHttp, ...options });
}

export function screen(page, name, timeout = 15000) {
  return page.waitForSelector(`:root[data-screen="${name}"]`, { state: "attached", timeout });
}

// A JPEG photo of that size, as a phone's camera gives it.
export async function photo(page, width = 900, height = 1200) {
  const text = await page.evaluate(
    async ([w, h]) => {
      const canvas = new OffscreenCanvas(w, h);
      const pen = canvas.getContext("2d", { alpha: false });
      const sky = pen.createLinearGradient(0, 0, w, h);
      ["#f3b27a", "#7a5cc4", "#2a6f97"].forEach((colour, at) => sky.addColorStop(at / 2, colour));
      pen.fillStyle = sky;
      pen.fillRect(0, 0, w, h);
      pen.fillStyle = "#2b1d1a";
      pen.beginPath();
      pen.ellipse(w / 2, h * 0.36, w * 0.23, h * 0.2, 0, 0, 7);
      pen.fill();
      pen.fillStyle = "#f2c7a5";
      pen.beginPath();
      pen.ellipse(w / 2, h * 0.4, w * 0.19, h * 0.19, 0, 0, 7);
      pen.fill();
      pen.fillStyle = "#b8405e";
      pen.beginPath();
      pen.ellipse(w / 2, h, w * 0.42, h * 0.36, 0, 0, 7);
      pen.fill();
      const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.92 });
      const reader = new FileReader();
      reader.readAsDataURL(blob);
      await new Promise((done) => (reader.onload = done));
      return reader.result.split(",")[1];
    },
    [width, height],
  );
  return { name: "photo.jpg", mimeType: "image/jpeg", buffer: Buffer.from(text, "base64") };
}

// From the first screen to the styles, with a photo.
export async function choosePhoto(page, file) {
  await page.setInputFiles("#choose-file", file ?? (await photo(page)));
  await screen(page, "style");
  await page.waitForSelector("#styles .card");
}

// Notes how the result is shown in the moment when it comes; `shownWhole` gives whether that was whole, without a line.
export function noteResults(page) {
  return page.evaluate(() => {
    new MutationObserver(() => {
      if (document.documentElement.dataset.screen !== "done" || globalThis.firstShown) return;
      const { value } = document.getElementById("compare");
      globalThis.firstShown = { value, line: !document.getElementById("divider").hidden };
    }).observe(document.getElementById("compare"), { attributes: true });
  });
}

export async function shownWhole(page) {
  const { value, line } = await page.evaluate(() => globalThis.firstShown ?? {});
  return value === "0" && line === false;
}

// What stands on the page at one time, waited for.
export function says(page, selector, pattern, timeout = 10000) {
  return page
    .waitForFunction(
      ([s, source]) => {
        const element = document.querySelector(s);
        return element?.checkVisibility() && new RegExp(source).test(element.innerText);
      },
      [selector, pattern.source],
      { timeout },
    )
    .then(
      () => true,
      () => false,
    );
}

// Whether the page fits its window, and everything to press is large enough and not covered.
export async function fits(page, leastPx = 47.5) {
  return page.evaluate((least) => {
    const shown = [...document.querySelectorAll("button, a[href], select, label.button, label.card, label.tick")]
      .filter((e) => e.checkVisibility() && !e.closest("dialog:not([open])"))
      .map((e) => ({ e, box: e.getBoundingClientRect() }));
    const small = shown.filter(({ box }) => box.width < 44 || box.height < least);
    // What scrolls sideways may lie outside.
    const wide = shown.filter(({ e, box }) => !e.closest(".cards") && (box.left < -0.5 || box.right > innerWidth + 0.5));
    const name = ({ e, box }) => `${e.id || e.className} ${Math.round(box.width)}x${Math.round(box.height)}`;
    return {
      ok: document.documentElement.scrollWidth <= innerWidth && !small.length && !wide.length,
      detail: [...small, ...wide].map(name).join(", "),
    };
  }, leastPx);
}
