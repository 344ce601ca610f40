// Plays events through a state machine.

// `events` are [ms, type or event]. The log has each action, and each change of the state's name.
export function playFrom(state, step, ...events) {
  const log = [];
  for (const [ms, what] of events) {
    const event = typeof what === "string" ? { type: what } : what;
    const next = step(state, event, ms);
    for (const action of next.actions) log.push(`${ms} ${action}`);
    if (next.state.name !== state.name) log.push(`${ms} ${next.state.name}`);
    state = next.state;
  }
  return { state, log };
}
