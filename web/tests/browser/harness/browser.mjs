// One way to start Chromium for everything here.

import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox", // tests run as root in containers
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
  "--autoplay-policy=no-user-gesture-required",
  // A test page is as good as one in front, even when another test page lies over it.
  "--disable-renderer-backgrounding",
  "--disable-backgrounding-occluded-windows",
];

export function chromiumPath() {
  const places = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
  return places.find((place) => place && existsSync(place)) ?? null;
}

// `options`: of Playwright's launch().
export async function launchChromium(more = [], options = {}) {
  const executablePath = chromiumPath();
  if (!executablePath) {
    throw new Error("no Chromium: install Debian's `chromium` or set CHROMIUM to its path");
  }
  return chromium.launch({ executablePath, headless: true, args: [...FLAGS, ...more], ...options });
}
