// What the owner chooses from: sources and models, with what is known of each.

// {value: text} of the sources that may be chosen.
export function sourceNames(sources) {
  return Object.fromEntries(sources.map(({ value, name }) => [value, name === value ? name : `${name} (${value})`]));
}

// {value: text} of the models. Times are whole milliseconds, so that the list does not change all the time.
export function modelNames(models, { say }) {
  const text = ({ value, classes, faces, milliseconds }) => {
    const facts = [
      milliseconds === null ? null : say("control.model.time", { ms: Math.max(Math.round(milliseconds), 1) }),
      classes === null || classes === undefined ? null : say("control.model.classes", { count: classes }),
      faces ? say("control.model.faces") : null,
    ];
    const known = facts.filter(Boolean);
    return known.length > 0 ? `${value}: ${known.join(", ")}` : value;
  };
  return Object.fromEntries(models.map((model) => [model.value, text(model)]));
}

// {tone, text} of a change of the model, or of how it came to be in use; null where there is nothing to say.
export function modelChange({ say }, { switching_to, error, running, chosen, second }) {
  if (switching_to) return { tone: "busy", text: say("control.model.opening", { model: switching_to }) };
  if (error) return { tone: "bad", text: say("control.model.failed", { error }) };
  const told = [
    running && chosen ? say("control.model.chosen", { model: running, why: chosen }) : null,
    running && second ? say("control.model.both", { model: running, second }) : null,
  ].filter(Boolean);
  return told.length > 0 ? { tone: "note", text: told.join(" ") } : null;
}
