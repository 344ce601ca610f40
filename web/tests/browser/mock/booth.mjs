// The mock's photo booth: jobs run through fixed steps, and failures are set by the test.

import { randomUUID } from "node:crypto";

export const STYLES = [
  { id: "pencil", title: "Pencil sketch", made_by: "laptop", example: null },
  { id: "painting", title: "Oil painting", made_by: "laptop", example: null },
  { id: "claymation", title: "Claymation", made_by: "comfyui", example: null },
  { id: "pixel-art", title: "Pixel art", made_by: "comfyui", example: null },
];
const ADMIN = "let-me-rule";
const KEEP_MS = 24 * 3600e3;
const STEPS = 4;
const CUT_AFTER_MS = 300;
const BODY_MAX_BYTES = 13e6;

// `picture()` gives a JPEG of the feed, `stylised(jpeg)` the result for one.
export function makeBooth({ picture, stylised }) {
  const booth = {
    styles: STYLES,
    keepsake: false, // whether results have a frame
    print: null, // {state, copies_left, approval}
    printed: [], // bodies of orders to print
    approvesFirst: false, // whether shared pictures wait for the owner
    isPaused: false, // whether nothing more is shared
    focus: null, // of the pictures that are shown from now on
    erases: true, // what is said of pictures on the picture server
    paceMs: 150, // between two events of a job
    held: false, // jobs stay where they are
    refuse: [], // {status, headers, error}: answers to the next orders
    slowMs: 0, // each order is answered this much later
    outcome: "done", // or {error}
    cuts: [], // after how many bytes the next answers with a result break off
    fetched: [], // {range, status} of each request for a result
    silent: false, // no events are sent
    previews: null, // {sheet, styles, portrait}: what comes of each photo whose style is chosen
    changes: [], // bodies of POST /api/admin/gallery
    previewed: 0, // how many photos came for previews
    orders: [], // what came: {key, style, share, bytes}
    join: {
      booth_url: "http://192.168.1.20:8080/booth",
      feed_url: "http://192.168.1.20:8080/",
      wifi: { ssid: "carrier & friends", security: "WPA" },
      https_url: null,
    },
    jobs: new Map(),
    handovers: new Map(), // by secret: {job, by}
    gallery: [],
    addShown,
  };
  const keys = new Map();
  const asNew = { ...booth, jobs: null };
  booth.reset = () =>
    Object.assign(booth, { ...asNew, jobs: booth.jobs, gallery: [], orders: [], printed: [], changes: [], refuse: [], cuts: [], fetched: [] });

  function view({ source, result, preview, watchers, ...job }) {
    const url = (there, name) => (there ? `/api/stylise/${job.id}/${name}.jpg` : null);
    return {
      ...job,
      source: url(source, "source"),
      result: url(result, "result"),
      keepsake: booth.keepsake ? url(result, "keepsake") : url(result, "result"),
      file_name: `fest-${job.style}.jpg`,
      event: booth.keepsake ? "Sommerfest" : null,
      print: booth.print && result ? booth.print : null,
      preview: preview ? `${url(true, "preview")}?n=${job.preview_serial}` : null,
      ...sharing(booth.gallery.find((shown) => shown.job === job.id)),
    };
  }

  function sharing(shown) {
    if (shown?.hidden) return { gallery: null, withheld: "refused" };
    if (shown && waits(shown)) return { gallery: null, withheld: "waits" };
    return { gallery: shown?.id ?? null, withheld: null };
  }

  const waits = (shown) => booth.approvesFirst && !shown.hidden && !shown.approved;

  function changed(job, change) {
    Object.assign(job, change);
    if (booth.silent) return;
    for (const watcher of job.watchers) tell(watcher, job);
  }

  const over = (job) => ["done", "failed", "cancelled", "expired"].includes(job.state);

  function tell(response, job) {
    response.write(`event: job\ndata: ${JSON.stringify(view(job))}\n\n`);
    if (over(job)) response.end();
  }

  async function live(job) {
    const plan = [
      { position: 2, expected_wait_s: 42 },
      { position: 0, expected_wait_s: 12 },
      { state: "uploading", position: null, expected_wait_s: 10 },
      ...Array.from({ length: STEPS + 1 }, (_, step) => ({ state: "running", step, steps: STEPS })),
    ];
    const result = await stylised(job.source);
    for (const change of plan) {
      do await new Promise((done) => setTimeout(done, booth.paceMs));
      while (booth.held && !over(job));
      if (over(job)) return;
      const preview = change.step > 1 ? { preview: result, preview_serial: change.step } : {};
      changed(job, { ...change, ...preview });
    }
    const last = { step: null, steps: null, expected_wait_s: null };
    if (booth.outcome === "done") {
      if (job.share) addShown({ ...job, result });
      changed(job, { ...last, state: "done", result, has_result: true });
    } else changed(job, { ...last, state: "failed", error: booth.outcome.error });
  }

  function addShown(job) {
    booth.gallery.unshift({
      id: randomUUID(),
      job: job.id,
      style: job.style,
      title: STYLES.find(({ id }) => id === job.style)?.title ?? job.style,
      made_by: job.made_by,
      made_at_unix_ms: Date.now(),
      expires_at_unix_ms: Date.now() + KEEP_MS,
      hidden: false,
      approved: false,
      focus: booth.focus,
      picture: job.result,
    });
  }

  async function submit(request, response) {
    const body = await bytes(request);
    await new Promise((done) => setTimeout(done, booth.slowMs));
    const key = request.headers["idempotency-key"] ?? null;
    if (keys.has(key)) return accepted(response, keys.get(key));
    const refusal = booth.refuse.shift();
    if (refusal) return error(response, refusal.status, refusal.error ?? "refused", refusal.headers);
    if (body.length > BODY_MAX_BYTES) return error(response, 413, "too large: 12 MB at most");
    const form = await new Response(body, { headers: { "Content-Type": request.headers["content-type"] } }).formData();
    const image = form.get("image");
    const given = image ? Buffer.from(await image.arrayBuffer()) : null;
    booth.orders.push({ key, style: form.get("style"), made_by: form.get("made_by"), share: form.get("share"), photo: form.get("photo"), bytes: given?.length ?? 0, given: given?.subarray(0, 3).toString("hex") });
    if (given && given.subarray(4, 12).toString("latin1") === "ftypheic") {
      return error(response, 415, "this is HEIC: send JPEG, PNG or WebP");
    }
    const style = booth.styles.find(({ id }) => id === form.get("style"));
    if (!style) return error(response, 422, "there is no such style");
    const job = {
      id: randomUUID(),
      style: style.id,
      made_by: style.made_by,
      photo_kind: form.get("photo") ?? "single",
      state: "queued",
      position: 3,
      expected_wait_s: 70,
      step: null,
      steps: null,
      error: null,
      note: null,
      share: form.get("share") === "true" && !booth.isPaused,
      has_result: false,
      preview_serial: 0,
      expires_at_unix_ms: Date.now() + KEEP_MS,
      created_at_unix_ms: Date.now(),
      source: given ?? (await picture()),
      result: null,
      preview: null,
      watchers: new Set(),
    };
    booth.jobs.set(job.id, job);
    if (key) keys.set(key, job.id);
    // The mock may be stopped while a job runs: its browser is gone then.
    live(job).catch(() => {});
    return accepted(response, job.id);
  }

  function result(request, response, jpeg) {
    const { range = null } = request.headers;
    const from = Number(range?.match(/^bytes=(\d+)-$/)?.[1] ?? 0);
    const status = range === null ? 200 : 206;
    booth.fetched.push({ range, status });
    const part = jpeg.subarray(from);
    response.writeHead(status, {
      "Content-Type": "image/jpeg",
      "Content-Length": part.length,
      ETag: `"${jpeg.length}"`,
      ...(range !== null && { "Content-Range": `bytes ${from}-${jpeg.length - 1}/${jpeg.length}` }),
    });
    const cut = booth.cuts.shift();
    if (cut === undefined) return response.end(part);
    response.write(part.subarray(0, cut));
    // Later, because a browser drops what it has not passed on when a connection breaks.
    return setTimeout(() => response.socket?.end(), CUT_AFTER_MS);
  }

  function accepted(response, id) {
    const url = `/api/stylise/${id}`;
    response.writeHead(202, { Location: url, "Content-Type": "application/json" });
    response.end(JSON.stringify({ id, url, events: `${url}/events` }));
  }

  async function handover(request, response, secret) {
    const found = booth.handovers.get(secret);
    const by = request.method === "POST" ? JSON.parse(await bytes(request)).by : null;
    if (!found || (by && found.by && found.by !== by)) return error(response, 404, "used or too old");
    found.by ??= by;
    return send(response, by ? { id: found.job } : { taken: found.by !== null });
  }

  function newHandover(response, id) {
    const secret = randomUUID();
    for (const [open, { job: of, by }] of booth.handovers) if (of === id && !by) booth.handovers.delete(open);
    booth.handovers.set(secret, { job: id, by: null });
    response.writeHead(201, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ secret, url: `/booth#handover=${secret}`, code: code("/qr/feed.svg"), valid_s: 600 }));
  }

  async function job(request, response, id, rest) {
    const found = booth.jobs.get(id);
    if (!found) return error(response, 404, "no such picture");
    if (rest === "handover") return newHandover(response, id);
    if (rest === "events") {
      response.writeHead(200, { "Content-Type": "text/event-stream" }).write("retry: 2000\n\n");
      found.watchers.add(response);
      response.on("close", () => found.watchers.delete(response));
      return booth.silent ? undefined : tell(response, found);
    }
    if (rest) {
      if (rest === "print") return print(request, response);
      const jpeg = found[rest.replace("keepsake", "result").replace(/\.\w+$/, "")];
      if (!jpeg) return error(response, 404, "not yet");
      if (rest === "result.jpg") return result(request, response, jpeg);
      return response.setHeader("Content-Type", "image/jpeg").end(jpeg);
    }
    if (request.method === "PATCH") {
      const { share } = JSON.parse(await bytes(request));
      if (share && booth.isPaused) return error(response, 409, "sharing is paused at the moment");
      if (share && !found.share && found.state === "done") addShown(found);
      if (!share) booth.gallery = booth.gallery.filter((shown) => shown.job !== id);
      changed(found, { share });
    }
    if (request.method === "DELETE") {
      if (over(found)) {
        booth.jobs.delete(id);
        booth.gallery = booth.gallery.filter((shown) => shown.job !== id);
        return response.writeHead(204).end();
      }
      changed(found, { state: "cancelled", position: null });
    }
    return send(response, view(found));
  }

  async function print(request, response) {
    if (request.method === "POST") {
      const order = JSON.parse(await bytes(request));
      booth.printed.push(order);
      booth.print = { ...booth.print, state: "waiting", copies_left: booth.print.copies_left - order.copies };
      response.statusCode = 202;
    }
    send(response, booth.print);
  }

  async function gallery(request, response, admin, id) {
    const at = booth.gallery.findIndex((shown) => shown.id === id);
    if (!admin || at < 0) return response.writeHead(admin ? 404 : 401).end();
    if (request.method === "DELETE") booth.gallery.splice(at, 1);
    else change(booth.gallery[at], JSON.parse(await bytes(request)).hidden);
    return response.writeHead(204).end();
  }

  function change(shown, hidden) {
    Object.assign(shown, { hidden, approved: shown.approved || !hidden });
  }

  async function changeAll(request, response, admin) {
    if (!admin) return response.writeHead(401).end();
    const { action, ids } = JSON.parse(await bytes(request));
    booth.changes.push({ action, ids });
    const results = ids.map((id) => {
      const shown = booth.gallery.find((one) => one.id === id);
      if (!shown) return { id, outcome: "unknown" };
      if (action === "erase") booth.gallery = booth.gallery.filter((one) => one !== shown);
      else change(shown, action === "hide");
      return { id, outcome: "done" };
    });
    return send(response, { results });
  }

  async function preview(request, response) {
    await bytes(request);
    booth.previewed += 1;
    if (!booth.previews) return response.writeHead(204).end();
    const { sheet, styles, portrait } = booth.previews;
    const headers = { "Content-Type": "image/jpeg", "Carrier-Styles": styles.join(",") };
    return response.writeHead(200, { ...headers, ...(portrait && { "Carrier-Portrait": portrait }) }).end(sheet);
  }

  // Gives whether the request was for the booth.
  booth.serve = async (request, response, path) => {
    const admin = /carrier_admin=1/.test(request.headers.cookie ?? "");
    const parts = path.match(/^\/api\/stylise\/([0-9a-f-]{36})(?:\/([a-z.]+))?$/);
    const secret = path.match(/^\/api\/handovers\/([0-9a-f-]{36})$/)?.[1];
    const shown = path.match(/^\/gallery\/([0-9a-f-]{36})\.jpg$/)?.[1];
    const ruled = path.match(/^\/api\/admin\/gallery\/([0-9a-f-]{36})$/)?.[1];
    if (parts) await job(request, response, parts[1], parts[2]);
    else if (secret) await handover(request, response, secret);
    else if (path === "/api/admin/gallery") await changeAll(request, response, admin);
    else if (ruled) await gallery(request, response, admin, ruled);
    else if (shown) {
      const found = booth.gallery.find(({ id }) => id === shown);
      if (!found) response.writeHead(404).end();
      else response.setHeader("Content-Type", "image/jpeg").end(found.picture);
    } else if (path === "/api/stylise" && request.method === "POST") await submit(request, response);
    else if (path === "/api/styles/previews") await preview(request, response);
    else if (path === "/api/styles") {
      const offer = { styles: booth.styles, comfyui: "ready", reason: null, keep_s: KEEP_MS / 1000 };
      send(response, { ...offer, comfyui_erases: booth.erases, sharing_paused: booth.isPaused });
    } else if (path === "/api/join") send(response, booth.join);
    else if (path === "/api/gallery") {
      const pictures = booth.gallery.filter((shown) => admin || (!shown.hidden && !waits(shown)));
      send(response, {
        pictures: pictures.map((shown) => {
          const { picture: _, job: __, approved: ___, ...rest } = shown;
          return { ...rest, waits: waits(shown), url: `/gallery/${rest.id}.jpg` };
        }),
      });
    } else if (path === "/api/admin/session") session(request, response, admin);
    else if (/^\/qr\/(booth|feed|wifi)\.svg$/.test(path)) {
      response.setHeader("Content-Type", "image/svg+xml").end(code(path));
    } else return false;
    return true;
  };
  return booth;
}

function session(request, response, admin) {
  const entitled = admin || request.headers.authorization === `Bearer ${ADMIN}`;
  if (!entitled) return response.writeHead(401).end();
  const cookie = { POST: "carrier_admin=1; Path=/", DELETE: "carrier_admin=; Path=/; Max-Age=0" };
  const set = cookie[request.method];
  return response.writeHead(204, set ? { "Set-Cookie": set } : {}).end();
}

// A pattern of squares in place of a QR code.
function code(path) {
  const squares = Array.from({ length: 841 }, (_, at) => at).filter((at) => (at * at + at * path.length) % 5 < 2);
  const drawn = squares.map((at) => `M${(at % 29) + 4} ${Math.floor(at / 29) + 4}h1v1h-1z`).join("");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 37 37" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h37v37H0z"/><path d="${drawn}"/></svg>`;
}

async function bytes(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

function send(response, body) {
  response.setHeader("Content-Type", "application/json").end(JSON.stringify(body));
}

function error(response, status, words, headers = {}) {
  response.writeHead(status, { "Content-Type": "application/json", ...headers });
  response.end(JSON.stringify({ error: words }));
}
