// The sounds of the games, made by Web Audio.

// [frequency in Hz, begin in s, length in s, wave] of each note.
const NOTES = {
  on: [[660, 0, 0.12, "sine"]],
  start: [[392, 0, 0.14, "triangle"], [523, 0.14, 0.14, "triangle"], [659, 0.28, 0.24, "triangle"]],
  ask: [[587, 0, 0.1, "triangle"], [784, 0.1, 0.14, "triangle"]],
  good: [[784, 0, 0.1, "triangle"], [988, 0.1, 0.1, "triangle"], [1319, 0.2, 0.28, "triangle"]],
  bad: [[196, 0, 0.16, "sawtooth"], [147, 0.16, 0.3, "sawtooth"]],
  photo: [[1800, 0, 0.03, "square"], [1200, 0.08, 0.05, "square"]],
  tick: [[880, 0, 0.05, "sine"]],
  end: [[523, 0, 0.16, "triangle"], [659, 0.16, 0.16, "triangle"], [784, 0.32, 0.16, "triangle"], [1047, 0.48, 0.5, "triangle"]],
};
const VOLUME = 0.25;
const FADE_S = 0.012; // without it notes click

const Kind = globalThis.AudioContext ?? globalThis.webkitAudioContext;

// {play(cue), wake()}; browsers let a page make sounds only after a touch or a key, in which wake() is to be called.
export function makeSounds() {
  const context = new Kind();

  function note([frequency, begin, length, type], volume) {
    const at = context.currentTime + begin;
    const gain = context.createGain();
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(volume, at + FADE_S);
    gain.gain.setTargetAtTime(0, at + length * 0.6, length / 5);
    const tone = new OscillatorNode(context, { type, frequency });
    tone.connect(gain).connect(context.destination);
    tone.start(at);
    tone.stop(at + length * 2);
  }

  return {
    play(cue) {
      if (context.state !== "running") return;
      for (const one of NOTES[cue] ?? []) note(one, one[3] === "sawtooth" || one[3] === "square" ? VOLUME / 2 : VOLUME);
    },
    wake: () => context.resume(),
    sleep: () => context.suspend(),
  };
}
