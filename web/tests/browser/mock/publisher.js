// The mock's WebRTC side: a page that draws the scene and answers offers with it.

import { draw, HEIGHT, WIDTH } from "./scene.js";

const FPS = 30;
const canvas = document.createElement("canvas");
canvas.width = WIDTH;
canvas.height = HEIGHT;
const context = canvas.getContext("2d", { alpha: false });
const still = new OffscreenCanvas(WIDTH, HEIGHT).getContext("2d", { alpha: false });
const stream = canvas.captureStream(FPS);
stream.getVideoTracks()[0].contentHint = "detail";
const peers = new Map();

setInterval(() => draw(context, Date.now(), true), 1000 / FPS);

globalThis.answer = async (id, offer) => {
  const peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  peers.set(id, peer);
  const gathered = new Promise((done) => {
    peer.onicegatheringstatechange = () => peer.iceGatheringState === "complete" && done();
  });
  await peer.setRemoteDescription({ type: "offer", sdp: offer });
  const transceiver = peer.getTransceivers().find((t) => t.receiver.track.kind === "video");
  await transceiver.sender.replaceTrack(stream.getVideoTracks()[0]);
  transceiver.direction = "sendonly";
  await peer.setLocalDescription();
  const parameters = transceiver.sender.getParameters();
  parameters.degradationPreference = "maintain-resolution";
  if (parameters.encodings?.[0]) parameters.encodings[0].maxBitrate = 3e6;
  await transceiver.sender.setParameters(parameters);
  await gathered;
  return peer.localDescription.sdp;
};

globalThis.leave = (id) => {
  peers.get(id)?.close();
  return peers.delete(id);
};

// As if the process was killed: nothing more is sent, and no connection is closed.
globalThis.die = async () => {
  for (const peer of peers.values()) {
    for (const sender of peer.getSenders()) await sender.replaceTrack(null);
  }
  const gone = [...peers.values()];
  peers.clear();
  setTimeout(() => gone.forEach((peer) => peer.close()), 10000);
};

// Stops sending without closing connections. (A canvas that only stops changing would still be sent once a second.)
globalThis.pause = async (yes) => {
  const track = yes ? null : stream.getVideoTracks()[0];
  const senders = [...peers.values()].flatMap((peer) => peer.getSenders());
  await Promise.all(senders.map((sender) => sender.replaceTrack(track)));
};

globalThis.jpeg = async (withBoxes) => {
  draw(still, Date.now(), withBoxes);
  return base64(still.canvas);
};

// The result of a mock job, which clearly differs from its source.
globalThis.stylised = async (jpeg) => {
  const source = await createImageBitmap(await (await fetch(`data:image/jpeg;base64,${jpeg}`)).blob());
  const drawn = new OffscreenCanvas(source.width, source.height);
  const pen = drawn.getContext("2d", { alpha: false });
  pen.filter = "saturate(2.5) contrast(1.4) hue-rotate(70deg)";
  pen.drawImage(source, 0, 0);
  return base64(drawn);
};

// A photo strip of a round: four moments under each other.
globalThis.strip = async (title, captions) => {
  const [width, height] = [480, 270];
  const drawn = new OffscreenCanvas(width + 40, captions.length * (height + 44) + 90);
  const pen = drawn.getContext("2d", { alpha: false });
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, drawn.width, drawn.height);
  pen.fillStyle = "#111";
  pen.textAlign = "center";
  captions.forEach((caption, at) => {
    draw(still, 1500 * at + 700, false);
    pen.drawImage(still.canvas, 20, 20 + at * (height + 44), width, height);
    pen.font = "700 26px sans-serif";
    pen.fillText(caption, drawn.width / 2, at * (height + 44) + height + 50);
  });
  pen.font = "700 34px sans-serif";
  pen.fillText(title, drawn.width / 2, drawn.height - 30);
  return base64(drawn);
};

async function base64(drawn) {
  const blob = await drawn.convertToBlob({ type: "image/jpeg", quality: 0.9 });
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return btoa(text);
}
