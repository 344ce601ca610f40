// A mock of the station: the real pages, a fixed status, and a second Chromium that sends the picture. For work on
// the pages and their tests without the program.
//
//   node mock_server.mjs [port]      then open the printed address

import { createHash, randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import http from "node:http";
import { fileURLToPath } from "node:url";
import { launchChromium } from "./harness/browser.mjs";
import { makeAdmin } from "./mock/admin.mjs";
import { makeBooth } from "./mock/booth.mjs";
import { contract } from "./mock/contract.mjs";
import { makePlay } from "./mock/play.mjs";
import { tracksAt } from "./mock/scene.js";
import { liveStatus } from "./mock/status.mjs";

const PAGES = new URL("../../pages/", import.meta.url);
const TEXTS = [new URL("lang/", PAGES), new URL("../../../play/lang/", import.meta.url), new URL("../../../detector/lang/", import.meta.url)];
const TYPES = {
  html: "text/html; charset=utf-8",
  js: "text/javascript",
  css: "text/css",
  json: "application/json",
  svg: "image/svg+xml",
  png: "image/png",
  jpg: "image/jpeg",
  webmanifest: "application/manifest+json",
};
const ASSET = /^\/(admin|app|booth|camera|docs|gallery|join|icons|play)\/[a-z0-9_/-]+\.(js|css|json|svg|png)$|^\/booth\/examples\/[a-z-]+\.jpg$/;
const LANGUAGE = /^\/lang\/([a-z-]+)\.json$/;
const PAGE = /^\/(admin|booth|camera|gallery|join|play)$/;
export const CSP =
  "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; style-src 'self'; " +
  "script-src 'self'; connect-src 'self'";

export async function makeMock({ port }) {
  // With plain addresses in its candidates, because only one side may hide them behind mDNS names.
  const chromium = await launchChromium(["--disable-features=WebRtcHideLocalIpsWithMdns"]);
  const publisher = await openPublisher(chromium);
  const mock = { status: liveStatus(), refuse: null, viewers: new Map(), rendition: "720p", renditionChange: null, edition: "", upSince: Date.now() };
  mock.booth = makeBooth({
    picture: () => still(publisher, false),
    async stylised(jpeg) {
      const text = await publisher.evaluate((b) => globalThis.stylised(b), jpeg.toString("base64"));
      return Buffer.from(text, "base64");
    },
  });
  mock.admin = makeAdmin(mock);
  mock.play = makePlay({
    async strip() {
      const text = await publisher.evaluate(() => globalThis.strip("Object hunt: 1,240", ["CUP", "BOOK", "UMBRELLA", "TEDDY BEAR"]));
      return Buffer.from(text, "base64");
    },
    handover: (response) => mock.booth.newHandover(response, randomUUID()),
  });
  let server = null;
  let sockets = new Set();
  let next = 1;

  const routes = {
    "GET /": (_, response) => sendPage(response, "index.html"),
    "GET /healthz": (_, response) => response.end("ok"),
    "GET /readyz": (_, response) => response.end("ready"),
    "GET /api/status": (request, response) => sendStatus(mock, request, response),
    "GET /api/viewers": (_, response) => sendViewers(mock, response),
    "GET /api/tracks": (request, response) =>
      /text\/html/.test(request.headers.accept) ? sendPage(response, "tracks.html") : sendTracks(request, response),
    "GET /api/docs": (_, response) => sendPage(response, "docs.html"),
    "GET /api/openapi.json": (_, response) => response.setHeader("Content-Type", "application/json").end(JSON.stringify(contract())),
    "GET /snapshot.jpg": async (request, response) => {
      const boxes = new URL(request.url, "http://mock").searchParams.get("boxes") !== "0";
      response.setHeader("Content-Type", "image/jpeg").end(await still(publisher, boxes));
    },
    "GET /stream.mjpg": (request, response) => sendStream(publisher, request, response),
    "OPTIONS /whep": (_, response) => response.writeHead(204).end(),
    "POST /whep": async (request, response) => {
      if (mock.refuse) return response.writeHead(mock.refuse.status, mock.refuse.headers).end();
      const id = String(next++);
      const offer = await text(request);
      const answer = await publisher.evaluate(([i, sdp]) => globalThis.answer(i, sdp), [id, offer]);
      mock.viewers.set(id, Date.now());
      response
        .writeHead(201, {
          "Content-Type": "application/sdp",
          Location: `/whep/${id}`,
          ETag: `"${id}"`,
        })
        .end(answer);
    },
  };

  async function serve(request, response) {
    const path = new URL(request.url, "http://mock").pathname;
    const id = path.match(/^\/whep\/(\w+)$/)?.[1];
    if (id) return session(request.resume(), response, id);
    if (ASSET.test(path) || path === "/manifest.webmanifest") {
      return sendPage(response, path.slice(1));
    }
    if (PAGE.test(path)) return sendPage(response, `${path.slice(1)}.html`, mock.edition);
    if (path === "/worker.js") return sendWorker(response, mock.edition);
    if (path === "/lang") return sendLanguages(response);
    if (LANGUAGE.test(path)) return sendLanguage(response, path.match(LANGUAGE)[1]);
    if (await mock.admin.serve(request, response, path)) return undefined;
    if (await mock.booth.serve(request, response, path)) return undefined;
    if (await mock.play.serve(request, response, path)) return undefined;
    const route = routes[`${request.method} ${path}`];
    return route ? route(request, response) : response.writeHead(404).end();
  }

  async function session(request, response, id) {
    if (!mock.viewers.has(id)) return response.writeHead(404).end();
    if (request.method === "PATCH") return response.writeHead(204).end();
    mock.viewers.delete(id);
    await publisher.evaluate((i) => globalThis.leave(i), id);
    return response.end();
  }

  return Object.assign(mock, {
    kind: "mock",
    url: `http://127.0.0.1:${port}/`,
    async start() {
      mock.upSince = Date.now();
      server = http.createServer((request, response) => {
        response.setHeader("Content-Security-Policy", CSP);
        serve(request, response).catch((error) => response.writeHead(500).end(String(error)));
      });
      server.on("connection", (socket) => {
        sockets.add(socket);
        socket.on("close", () => sockets.delete(socket));
      });
      await new Promise((done) => server.listen(port, "127.0.0.1", done));
    },
    async kill() {
      await publisher.evaluate(() => globalThis.die());
      mock.viewers.clear();
      for (const socket of sockets) socket.destroy();
      sockets = new Set();
      await new Promise((done) => server.close(done));
    },
    pause: (yes) => publisher.evaluate((y) => globalThis.pause(y), yes),
    async end() {
      for (const socket of sockets) socket.destroy();
      server?.close();
      await chromium.close();
    },
  });
}

async function openPublisher(chromium) {
  const page = await chromium.newPage();
  const here = (path) => fileURLToPath(new URL(`./mock/${path}`, import.meta.url));
  await page.route("http://mock.test/**", (route) => {
    const path = new URL(route.request().url()).pathname.slice(1);
    if (path === "") return route.fulfill({ contentType: "text/html", body: "<!doctype html>" });
    return route.fulfill({ contentType: "text/javascript", path: here(path) });
  });
  await page.goto("http://mock.test/");
  await page.addScriptTag({ type: "module", url: "/publisher.js" });
  await page.waitForFunction(() => globalThis.answer);
  return page;
}

async function sendPage(response, path, edition = "") {
  try {
    const body = withEdition(await readFile(new URL(path, PAGES)), edition);
    response.setHeader("Content-Type", TYPES[path.split(".").pop()]).setHeader("Content-Encoding", "gzip").end(gzipSync(body));
  } catch {
    response.writeHead(404).end();
  }
}

// As another version of the program has the page.
function withEdition(body, edition) {
  return edition ? Buffer.from(String(body).replace("<html ", `<html data-edition="${edition}" `)) : body;
}

// As the station makes it.
async function sendWorker(response, edition) {
  const page = String(withEdition(await readFile(new URL("booth.html", PAGES)), edition));
  const named = [...page.matchAll(/(?:href|src)="([^"]+\.[a-z]+)"/g)].map(([, path]) => path);
  const languages = (await readdir(new URL("lang/", PAGES))).map((name) => `lang/${name}`);
  const files = [...new Set([...named, ...languages])].sort();
  const bodies = await Promise.all(["worker.js", ...files].map((file) => readFile(new URL(file, PAGES))));
  const version = createHash("sha256").update(page).update(Buffer.concat(bodies)).digest("hex").slice(0, 16);
  const head = `const VERSION = "${version}";\nconst FILES = ${JSON.stringify(["booth", "lang", ...files])};\n`;
  response.setHeader("Content-Type", TYPES.js).setHeader("Cache-Control", "no-cache").end(head + bodies[0]);
}

async function sendLanguages(response) {
  const names = (await readdir(new URL("lang/", PAGES))).sort();
  const languages = await Promise.all(
    names.map(async (file) => ({
      code: file.replace(".json", ""),
      name: JSON.parse(await readFile(new URL(`lang/${file}`, PAGES), "utf8"))["language.name"],
    })),
  );
  response.setHeader("Content-Type", "application/json").end(JSON.stringify({ languages }));
}

// With the texts of the games.
async function sendLanguage(response, code) {
  try {
    const tables = TEXTS.map(async (folder) => JSON.parse(await readFile(new URL(`${code}.json`, folder), "utf8")));
    const table = Object.assign({}, ...(await Promise.all(tables)));
    response.setHeader("Content-Type", "application/json").setHeader("Content-Encoding", "gzip").end(gzipSync(JSON.stringify(table)));
  } catch {
    response.writeHead(404).end();
  }
}

function sendStatus(mock, request, response) {
  const own = { uptime_s: (Date.now() - mock.upSince) / 1000, viewers: mock.viewers.size, play: mock.play.isOn, ...mock.admin.status() };
  if (/carrier_admin=1/.test(request.headers.cookie ?? "")) own.power = mock.admin.power;
  response
    .setHeader("Content-Type", "application/json")
    .end(JSON.stringify({ ...mock.status, ...own, now_ms: Date.now() }));
}

function sendViewers(mock, response) {
  const viewers = [...mock.viewers.values()].map((since) => ({
    connected: true,
    age_s: (Date.now() - since) / 1000,
    rendition: mock.rendition,
    ...(mock.renditionChange && { rendition_change: mock.renditionChange }),
  }));
  response.setHeader("Content-Type", "application/json").end(JSON.stringify(viewers));
}

async function sendTracks(_, response) {
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  let frame_seq = 0;
  const timer = setInterval(() => {
    const now = Date.now();
    const event = {
      frame_seq: frame_seq++,
      captured_at_ms: now,
      width: 1280,
      height: 720,
      labels: "name_score_id",
      tracks: tracksAt(now),
    };
    response.write(`data: ${JSON.stringify(event)}\n\n`);
  }, 100);
  response.on("close", () => clearInterval(timer));
}

async function sendStream(publisher, request, response) {
  response.writeHead(200, { "Content-Type": "multipart/x-mixed-replace; boundary=frame" });
  let open = true;
  response.on("close", () => (open = false));
  while (open) {
    const jpeg = await still(publisher, true).catch(() => null);
    if (!jpeg || !open) break;
    response.write(`--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n\r\n`);
    response.write(jpeg);
    response.write("\r\n");
    await new Promise((done) => setTimeout(done, 150));
  }
  response.end();
}

async function still(publisher, boxes) {
  return Buffer.from(await publisher.evaluate((b) => globalThis.jpeg(b), boxes), "base64");
}

async function text(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString("utf8");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const mock = await makeMock({ port: Number(process.argv[2] ?? 8099) });
  await mock.start();
  console.log(mock.url);
}
