// The mock's routes for the control page: shutter, settings, audit, health and log. Tests set what goes wrong.

const TOKENS_BEFORE_WAIT = 4;

export function makeAdmin(mock) {
  const admin = {
    shutter: null,
    settings: [],
    saved: {}, // what is kept in the file, by key
    audit: [],
    models: null, // the answer of GET /api/models
    sources: [],
    camera: null, // the answer of GET /api/camera
    privacy: { promise: "none", note: null },
    network: null, // the answer of GET /api/network
    counts: null, // the answer of GET /api/counts
    power: null, // the owner's part of GET /api/status
    checks: [],
    prints: [], // what waits for approval
    decided: [], // bodies of PATCH /api/admin/prints/1
    refuse: [], // {method, path, status, body, headers}: the next answers to such requests
    requests: [], // "METHOD path" of each request to these routes
    patches: [], // bodies of PATCH /api/settings
    wrong: 0, // tokens in a row
    savedTo: "/home/carrier/carrier.toml",
    serial: 1,
  };
  admin.reset = () => Object.assign(admin, fresh());
  admin.reset();

  const find = (key) => admin.settings.find((setting) => setting.key === key);
  const tag = () => `"${admin.serial}"`;

  admin.status = () => ({
    shutter: { closed: admin.shutter.closed, since: admin.shutter.since },
    privacy: { mode: find("privacy.mode").value, ...admin.privacy },
    stylise: { comfyui: "off", waiting: 3, styles: 7, error: null },
  });

  // Another person changes a setting.
  admin.change = (key, value, origin = "live") => {
    Object.assign(find(key), { value, origin });
    admin.serial += 1;
  };

  admin.close = (closed, by = "person", reason = null, who = null) => {
    admin.shutter = { closed, by, who, reason, since: new Date().toISOString(), kept: true };
    record(closed ? "shutter closed" : "shutter opened", by === "person" ? "admin" : by, reason);
  };

  function record(what, by, reason = null) {
    admin.audit.unshift({ at: new Date().toISOString(), what, by, reason });
  }

  admin.serve = async (request, response, path) => {
    const route = ROUTES[`${request.method} ${path}`];
    const isSession = path.startsWith("/api/admin/session");
    if (!route && !isSession) return false;
    admin.requests.push(`${request.method} ${path}`);
    const at = admin.refuse.findIndex((one) => one.method === request.method && path === one.path);
    if (at >= 0) {
      const { status, body = {}, headers = {} } = admin.refuse.splice(at, 1)[0];
      response.writeHead(status, { "Content-Type": "application/problem+json", ...headers }).end(JSON.stringify(body));
      return true;
    }
    if (isSession) return limit(request, response);
    const isAdmin = /carrier_admin=1/.test(request.headers.cookie ?? "");
    if (!isAdmin && route.needsAdmin !== false) problem(response, 401, "This needs the admin token");
    else await route(request, response, isAdmin);
    return true;
  };

  // Wrong tokens are slowed down; the booth's mock answers the others.
  function limit(request, response) {
    if (request.method === "DELETE" && request.url.endsWith("/sessions")) {
      response.writeHead(204, { "Set-Cookie": "carrier_admin=; Path=/; Max-Age=0" }).end();
      return true;
    }
    if (request.method !== "POST") return false;
    admin.wrong = request.headers.authorization === "Bearer let-me-rule" ? 0 : admin.wrong + 1;
    if (admin.wrong < TOKENS_BEFORE_WAIT) return false;
    admin.wrong = 0;
    problem(response, 429, "Too many wrong tokens", { "Retry-After": "3" });
    return true;
  }

  // What a patch does to a setting.
  function apply(setting, value) {
    if (setting.kind === "controls") {
      for (const [key, to] of Object.entries(value)) admin.camera.controls.find((one) => one.key === key).value = to;
      const exposure = admin.camera.controls.find(({ key }) => key === "exposure");
      exposure.is_active = !admin.camera.controls.find(({ key }) => key === "exposure_auto").value;
      value = { ...setting.value, ...value };
    }
    if (setting.kind === "cameras") value = { ...setting.value, ...value };
    if (setting.kind === "scores") {
      const scores = { ...setting.value, ...value };
      value = Object.fromEntries(Object.entries(scores).filter(([, score]) => score !== null));
    }
    if (setting.kind === "secret") setting.is_set = value !== null;
    Object.assign(setting, { value: setting.kind === "secret" ? null : value ?? setting.default, origin: "live" });
  }

  const getShutter = (_, response, isAdmin) => send(response, { ...admin.shutter, who: isAdmin ? admin.shutter.who : null });
  getShutter.needsAdmin = false;

  const ROUTES = {
    "GET /api/shutter": getShutter,
    async "PUT /api/shutter"(request, response) {
      const { closed, reason = null } = JSON.parse(await bytes(request));
      admin.close(closed, "person", reason, "admin");
      send(response, admin.shutter);
    },
    "GET /api/settings": sendSettings,
    "PATCH /api/settings": patch,
    "GET /api/models": (_, response) => send(response, admin.models),
    "GET /api/sources": (_, response) => send(response, { sources: admin.sources }),
    "GET /api/camera": (_, response) => send(response, admin.camera),
    "GET /api/network": (_, response) => send(response, { ...admin.network, ...chosen(find("network.prefer").value) }),
    "GET /api/counts": (_, response) => send(response, admin.counts),
    "DELETE /api/counts"(_, response) {
      admin.counts = { ...admin.counts, hours: [], heat: { ...admin.counts.heat, maps: [] } };
      response.writeHead(204).end();
    },
    "GET /api/doctor": (_, response) => send(response, { checks: admin.checks }),
    "GET /api/admin/audit": (_, response) => send(response, { entries: admin.audit }),
    "GET /api/admin/prints": (_, response) => send(response, { offered: admin.prints.length > 0, prints: admin.prints }),
    async "PATCH /api/admin/prints/1"(request, response) {
      admin.decided.push(JSON.parse(await bytes(request)));
      admin.prints = [];
      response.writeHead(204).end();
    },
    "GET /api/admin/log": (_, response) => send(response, { lines: log() }),
  };

  function sendSettings(_, response) {
    send(response, { settings: admin.settings, saved_to: admin.savedTo }, { ETag: tag() });
  }

  async function patch(request, response) {
    const body = JSON.parse(await bytes(request));
    const changes = flat(body, (key) => ["scores", "controls", "cameras"].includes(find(key)?.kind));
    admin.patches.push(body);
    if (request.headers["if-match"] !== tag()) return problem(response, 412, "The settings have changed");
    for (const [key, value] of changes) {
      const why = refusal(find(key), value);
      if (why) return problem(response, 422, why, {}, { key });
    }
    for (const [key, value] of changes) apply(find(key), value);
    if (request.url.includes("save=true")) {
      for (const setting of admin.settings) if (setting.origin === "live") setting.origin = "file";
    }
    admin.serial += 1;
    record("settings changed", "admin");
    return sendSettings(request, response);
  }

  return admin;
}

// What the choice of an interface does to the address of the codes.
function chosen(prefer) {
  if (prefer === "docker0") return { address: "http://172.17.0.1:8080", reason: "preferred", why: "", interface: prefer, prefer };
  return { address: "http://10.20.30.40:8080", reason: "default_route", why: "", interface: "wlan0", prefer };
}

function refusal(setting, value) {
  if (!setting) return "There is no such setting.";
  if (setting.kind === "text" && value?.length > 20) return "At most 20 characters, please.";
  if (setting.kind === "number" && (value < setting.min || value > setting.max)) {
    return `Between ${setting.min} and ${setting.max}, please.`;
  }
  return null;
}

// The leaves of a merge patch, by their keys.
function flat(patch, isWhole, start = "") {
  return Object.entries(patch).flatMap(([name, value]) => {
    const isTable = typeof value === "object" && value !== null && !Array.isArray(value) && !isWhole(start + name);
    return isTable ? flat(value, isWhole, `${start}${name}.`) : [[`${start}${name}`, value]];
  });
}

// Two days of visitors, and where they stood.
function counted(now) {
  const HOUR_MS = 3600000;
  const start = Math.floor(now / HOUR_MS) * HOUR_MS;
  const hours = Array.from({ length: 30 }, (_, before) => {
    const hour = new Date(start - (29 - before) * HOUR_MS).toISOString();
    const came = (before * 7) % 23;
    const row = (zone, entered) => ({ hour, zone, class: "person", entered, present_s: entered * 40, most: Math.ceil(entered / 6) });
    return [row(null, came), row("door", Math.floor(came / 2)), { ...row(null, 1), class: "backpack" }];
  }).flat();
  const [columns, rows] = [32, 18];
  const cell = (_, at) => Math.max(0, 60 - 4 * Math.hypot((at % columns) - 20, Math.floor(at / columns) - 12));
  const maps = [{ camera: null, class: "person", seconds: Array.from({ length: columns * rows }, cell) }];
  return { counting: true, kept: true, keep_hours: 72, hours, heat: { columns, rows, maps } };
}

function fresh() {
  const setting = (key, kind, value, more = {}) => ({ key, kind, value, default: value, origin: "default", ...more });
  const now = Date.now();
  const at = (before) => new Date(now - before * 1000).toISOString();
  return {
    counts: counted(now),
    shutter: { closed: false, by: "start", who: null, reason: null, since: at(3900), kept: true },
    settings: [
      setting("privacy.mode", "choice", "open", { choices: ["open", "blur_faces", "blur_people", "silhouettes"] }),
      setting("privacy.masks", "polygons", [{ name: "badge scanner", points: [[0.1, 0.6], [0.3, 0.6], [0.3, 0.9], [0.1, 0.9]] }], { default: [] }),
      setting("zones", "zones", [], { default: [] }),
      setting("zone_outlines", "flag", false),
      setting("counting.enabled", "flag", true),
      setting("min_size", "number", 0, { min: 0, max: 1, step: 0.01 }),
      setting("min_score", "number", 0.35, { min: 0, max: 1, step: 0.01 }),
      setting("classes", "list", [], {
        choices: ["person", "bicycle", "car", "dog", "cat", "backpack", "umbrella", "handbag", "bottle", "cup", "chair", "couch", "potted plant", "tv", "laptop", "book"],
      }),
      setting("boxes", "flag", true),
      setting("class_scores", "scores", { person: 0.5 }, { min: 0, max: 1, step: 0.01, choices: ["person", "bicycle", "cup"] }),
      setting("detect_fps", "number", 0, { min: 0, max: 60, step: 1 }),
      setting("detect_when", "choice", "always", { choices: ["always", "motion"] }),
      setting("labels", "choice", "name_score_id", { choices: ["none", "name", "name_score", "name_score_id"] }),
      setting("renditions", "renditions", [[1280, 720, 1500000], [640, 360, 500000]].map(([width, height, bitrate_bps]) => ({ width, height, fps: 30, bitrate_bps })), { min: 50000, max: 50000000, origin: "flag" }),
      setting("public_url", "text", null),
      setting("wifi.ssid", "text", null),
      setting("wifi.password", "secret", null, { is_set: false }),
      setting("wifi.security", "choice", "WPA", { choices: ["WPA", "WEP", "nopass"] }),
      setting("wifi.hidden", "flag", false),
      setting("network.prefer", "text", null),
      setting("network.mdns", "flag", true),
      setting("network.captive_portal", "flag", false),
      setting("name", "text", "carrier", { origin: "file" }),
      setting("booth.open", "flag", true),
      setting("booth.gallery", "flag", true),
      setting("booth.approve_first", "flag", false),
      setting("booth.pause_sharing", "flag", false),
      setting("source", "choice", "scene", { choices: ["scene", "webcam:0", "auto"] }),
      setting("model", "choice", "yolox_nano", { choices: ["embedded", "yolox_nano", "auto", "none"] }),
      setting("camera.mirror", "flag", false),
      setting("camera.rotation", "number", 0, { min: 0, max: 270, step: 90 }),
      setting("camera.controls", "controls", {}),
      setting("power.profile", "choice", "auto", { choices: ["auto", "full", "balanced", "saver"] }),
      setting("camera_names", "flag", true),
      setting("cameras", "cameras", {}),
    ],
    audit: [
      { at: at(3900), what: "shutter opened", by: "start", reason: null },
      { at: at(90000), what: "shutter closed", by: "schedule", reason: null },
    ],
    models: {
      models: [
        { value: "yolox_nano", name: "yolox_nano", classes: 80, faces: false, milliseconds: 12.3, in_use: true },
        { value: "embedded", name: "embedded", classes: 11, faces: true, milliseconds: null, in_use: false },
      ],
      switching_to: null,
      error: null,
    },
    sources: [
      { value: "scene", name: "Built-in scene", kind: "scene", in_use: true },
      { value: "webcam:0", name: "Integrated Camera", kind: "camera", in_use: false },
    ],
    camera: {
      camera: null,
      mirror: false,
      rotation: 0,
      device: "Integrated Camera",
      controls: [
        { key: "exposure_auto", name: "Automatic exposure", kind: "flag", value: true, default: true, is_active: true, is_read_only: false },
        { key: "exposure", name: "Exposure time (0.1 ms)", kind: "number", min: 1, max: 5000, step: 1, value: 156, default: 156, is_active: false, is_read_only: false },
        { key: "brightness", name: "Brightness", kind: "number", min: -64, max: 64, step: 1, value: 0, default: 0, is_active: true, is_read_only: false },
        { key: "power_line_hz", name: "Power line frequency", kind: "choice", choices: ["off", "50", "60", "auto"], value: "50", default: "50", is_active: true, is_read_only: false },
      ],
      problems: [],
    },
    network: {
      summary: "Wi-Fi conf-guest 70 %",
      announced: "http://carrier.local:8080/",
      interfaces: [
        { name: "docker0", kind: "virtual", is_up: true, is_default_route: false, addresses: ["172.17.0.1"], ssid: null, signal_percent: null },
        { name: "enp0s31f6", kind: "ethernet", is_up: false, is_default_route: false, addresses: [], ssid: null, signal_percent: null },
        { name: "lo", kind: "loopback", is_up: true, is_default_route: false, addresses: ["127.0.0.1", "::1"], ssid: null, signal_percent: null },
        { name: "wlan0", kind: "wifi", is_up: true, is_default_route: true, addresses: ["10.20.30.40", "2001:db8:12:34:56:78:9a:bc"], ssid: "conf-guest", signal_percent: 72 },
      ],
    },
    privacy: { promise: "none", note: null },
    power: {
      choice: "auto",
      profile: "balanced",
      reason: "battery",
      mains: false,
      battery: { names: ["BAT1"], percent: 64, status: "discharging", watts: 21.4, full_wh: 48.2, seconds_left: 5200, seconds_to_full: null, health_percent: 93, cycles: 57, is_low: false },
      temperature: { sensor: "x86_pkg_temp", celsius: 71 },
      throttles: 4,
      package_watts: null,
      suspensions: 0,
    },
    checks: [
      { name: "camera", state: "ok", message: "The built-in scene, 1280x720 at 30 frames a second.", fix: null },
      { name: "detector", state: "ok", message: "yolox_nano on the CPU, 12 ms a frame.", fix: null },
      { name: "disk", state: "warning", message: "1.2 GB are free.", fix: "erase old pictures, or run `carrier booth clear`" },
      { name: "comfyui", state: "off", message: "No picture server is configured.", fix: null },
    ],
    prints: [],
    decided: [],
    refuse: [],
    requests: [],
    patches: [],
    wrong: 0,
    serial: 1,
  };
}

function log() {
  const levels = ["INFO", "WARN", "ERROR"];
  return Array.from({ length: 60 }, (_, at) => ({
    at: new Date(1795910400000 + at * 1000).toISOString(),
    level: levels[at % 20 === 7 ? 1 : at === 33 ? 2 : 0],
    text: `carrier::startup: line ${at + 1} of what the station has written`,
  }));
}

function send(response, body, headers = {}) {
  response.writeHead(200, { "Content-Type": "application/json", ...headers }).end(JSON.stringify(body));
}

function problem(response, status, detail, headers = {}, more = {}) {
  response.writeHead(status, { "Content-Type": "application/problem+json", ...headers });
  response.end(JSON.stringify({ type: "about:blank", title: detail, status, detail, ...more }));
}

async function bytes(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString("utf8");
}
