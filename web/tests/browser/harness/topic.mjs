// What a topic gets to work with, and what it leaves behind.

import path from "node:path";

export class Topic {
  constructor({ title, station, browser, out }) {
    Object.assign(this, { title, station, browser, out });
    this.checks = [];
    this.contexts = [];
    this.skipped = null;
  }

  get real() {
    return this.station?.kind === "carrier";
  }

  check(name, ok, detail = "") {
    this.checks.push({ name, ok: Boolean(ok), detail: String(detail) });
  }

  skip(reason) {
    this.skipped = reason;
  }

  // A page that notes its requests and everything it complains about.
  async page(options = {}) {
    const { address = this.station.url, before, ...rest } = options;
    const context = await this.browser.newContext({
      viewport: { width: 1280, height: 800 },
      colorScheme: "dark",
      // Its requests do not pass a page's routes.
      serviceWorkers: "block",
      ...rest,
    });
    this.contexts.push(context);
    const page = await context.newPage();
    page.requests = [];
    page.complaints = [];
    page.on("request", (request) => page.requests.push(request.url()));
    page.on("pageerror", (error) => page.complaints.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error") page.complaints.push(message.text());
    });
    if (!rest.hasTouch) movesBeforeClicks(page);
    if (before) await before(page);
    if (address) await page.goto(address);
    return page;
  }

  shot(page, name) {
    return page.screenshot({ path: path.join(this.out, `${name}.png`) });
  }

  async close() {
    for (const context of this.contexts) await context.close().catch(() => {});
  }
}

// Controls that hid while nothing moved take no clicks. A real mouse moves before it clicks and shows them;
// Playwright moves only after it has found that a click would reach its target.
function movesBeforeClicks(page) {
  const click = page.click.bind(page);
  page.click = async (selector, options) => {
    await page.mouse.move(300, 300);
    await page.mouse.move(310, 310);
    return click(selector, options);
  };
}
