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
let paused = false;

setInterval(() => paused || draw(context, Date.now(), true), 1000 / FPS);

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

// As a killed process would: nothing more is sent and nobody is told.
globalThis.die = async () => {
  for (const peer of peers.values()) {
    for (const sender of peer.getSenders()) await sender.replaceTrack(null);
  }
  const gone = [...peers.values()];
  peers.clear();
  setTimeout(() => gone.forEach((peer) => peer.close()), 10000);
};

globalThis.pause = (yes) => (paused = yes);

globalThis.jpeg = async (withBoxes) => {
  draw(still, Date.now(), withBoxes);
  const blob = await still.canvas.convertToBlob({ type: "image/jpeg", quality: 0.9 });
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return btoa(text);
};
