// Viewers that are not our page: RTCPeerConnections as anybody would write them. Runs in a page.

// Puts `openPeer(options)` into the page: POSTs an offer and gives {status, frames(), leave()}.
// gather: everything is gathered before the POST. extras: the offer has audio and a data channel.
// from: when the offers of a crowd leave, so that they leave together.
export function teachPeers(page) {
  return page.evaluate(() => {
    globalThis.peers = [];
    globalThis.openPeer = async ({ gather = false, extras = false } = {}) => {
      const peer = new RTCPeerConnection();
      peer.addTransceiver("video", { direction: "recvonly" });
      if (extras) {
        peer.addTransceiver("audio", { direction: "recvonly" });
        peer.createDataChannel("");
      }
      const video = document.createElement("video");
      video.muted = true;
      peer.ontrack = ({ track }) => {
        if (track.kind !== "video") return;
        video.srcObject = new MediaStream([track]);
        video.play().catch(() => {});
      };
      const gathered = new Promise((done) => {
        peer.onicegatheringstatechange = () => peer.iceGatheringState === "complete" && done();
      });
      await peer.setLocalDescription();
      if (gather) await gathered;
      const began = performance.now();
      const response = await fetch("/whep", {
        method: "POST",
        headers: { "Content-Type": "application/sdp" },
        body: peer.localDescription.sdp,
      });
      const sdp = await response.text();
      const viewer = { status: response.status, answer: sdp, peer, firstMs: null };
      viewer.session = new URL(response.headers.get("Location") ?? "", location.href).href;
      if (response.status === 201) {
        const seen = new Promise((done) => {
          video.requestVideoFrameCallback(() => done(performance.now() - began));
        });
        seen.then((ms) => (viewer.firstMs = ms));
        await peer.setRemoteDescription({ type: "answer", sdp });
      }
      viewer.leave = async () => {
        peer.close();
        video.srcObject = null;
        return (await fetch(viewer.session, { method: "DELETE" })).status;
      };
      globalThis.peers.push(viewer);
      return viewer;
    };
    globalThis.decoded = async (peer) => {
      for (const stat of (await peer.getStats()).values()) {
        if (stat.type === "inbound-rtp" && stat.kind === "video") return stat.framesDecoded ?? 0;
      }
      return 0;
    };
  });
}

export async function status(page) {
  return page.evaluate(async () => (await fetch("/api/status")).json());
}

// Waits until /api/status counts this many viewers; gives the last count.
export async function viewersBecome(page, wanted, withinMs) {
  const until = Date.now() + withinMs;
  let viewers = null;
  while (Date.now() < until) {
    ({ viewers } = await status(page));
    if (viewers === wanted) break;
    await page.waitForTimeout(100);
  }
  return viewers;
}
