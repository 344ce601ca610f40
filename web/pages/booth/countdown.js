// Three, two, one.

const FROM = 3;
const BEAT_MS = 1000;

// `show` gets 3, 2, 1. True when it came to its end, false when it was called off.
export async function countDown(show, signal) {
  for (let count = FROM; count > 0; count -= 1) {
    if (signal.aborted) return false;
    show(count);
    await beat(signal);
  }
  return !signal.aborted;
}

function beat(signal) {
  return new Promise((done) => {
    const timer = setTimeout(done, BEAT_MS);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      done();
    });
  });
}
