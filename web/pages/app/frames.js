// Tells of every picture a video element shows.

// Gives a function that ends the watch. `seen` gets (now, metadata); metadata may be null.
export function watchFrames(video, seen) {
  return "requestVideoFrameCallback" in video ? byCallback(video, seen) : byCounting(video, seen);
}

function byCallback(video, seen) {
  let handle = video.requestVideoFrameCallback(function frame(now, metadata) {
    handle = video.requestVideoFrameCallback(frame);
    seen(now, metadata);
  });
  return () => video.cancelVideoFrameCallback(handle);
}

// Firefox before 132: look ten times a second whether time moved on.
function byCounting(video, seen) {
  let last = 0;
  const timer = setInterval(() => {
    const count = video.getVideoPlaybackQuality?.().totalVideoFrames ?? video.currentTime;
    if (count === last || !video.videoWidth) return;
    last = count;
    seen(performance.now(), null);
  }, 100);
  return () => clearInterval(timer);
}
