// What shows the picture: the video, a canvas over it with the last picture of a closed connection (browsers show
// black then), and the simple stream for networks without WebRTC.

// `pictureSeen` gets (video, now, metadata) for each picture.
export function makeStage(video, last, pictureSeen) {
  let shown = false; // whether the video has a picture of the current connection
  let stopWatching = null;

  return {
    video,
    play(track) {
      this.freeze();
      video.srcObject = new MediaStream([track]);
      stopWatching = watchFrames(video, (now, metadata) => {
        shown = true;
        last.hidden = true;
        pictureSeen(video, now, metadata);
      });
      // Muted playback needs no gesture; a browser that refuses it all the same (low-power mode) plays
      // on the first touch.
      video.play().catch(() => {
        addEventListener("pointerdown", () => video.play().catch(() => {}), { once: true });
      });
    },
    // To be called before a connection is closed: the video has no picture afterwards.
    freeze() {
      stopWatching?.();
      stopWatching = null;
      if (!shown || !video.videoWidth) return;
      shown = false;
      last.width = video.videoWidth;
      last.height = video.videoHeight;
      last.getContext("2d", { alpha: false }).drawImage(video, 0, 0);
      last.hidden = false;
    },
  };
}

// Calls `seen(now, metadata)` for each picture that a video shows; metadata may be null. Gives a function
// that stops this.
function watchFrames(video, seen) {
  if (!("requestVideoFrameCallback" in video)) return pollFrames(video, seen);
  let handle = video.requestVideoFrameCallback(function frame(now, metadata) {
    handle = video.requestVideoFrameCallback(frame);
    seen(now, metadata);
  });
  return () => video.cancelVideoFrameCallback(handle);
}

// For Firefox before 132: compares the frame counter ten times a second.
function pollFrames(video, seen) {
  let last = 0;
  const timer = setInterval(() => {
    const count = video.getVideoPlaybackQuality?.().totalVideoFrames ?? video.currentTime;
    if (count === last || !video.videoWidth) return;
    last = count;
    seen(performance.now(), null);
  }, 100);
  return () => clearInterval(timer);
}

// One transparent pixel. An <img> that is only hidden keeps downloading; another address ends that.
const PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==";
const SIMPLE_FPS = 15;

// The simple stream: MJPEG in an <img>. Gives a function that shows or hides it.
export function makeSimpleStream(image, failed) {
  let shown = false;
  image.addEventListener("error", () => shown && failed());
  return (yes) => {
    if (yes === shown) return;
    shown = yes;
    // The time makes each start a new request instead of a cached one.
    image.src = yes ? `stream.mjpg?fps=${SIMPLE_FPS}&t=${Date.now()}` : PIXEL;
    image.hidden = !yes;
  };
}
