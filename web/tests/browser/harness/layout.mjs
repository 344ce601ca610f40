// What is wrong with the layout of a page as it stands: words broken in the middle, text that is cut off
// or runs out of its box, things to press that cannot be reached or lie under others.

export function layoutFaults(page) {
  return page.evaluate(() => {
    const faults = new Set();
    const shown = (element) => element.checkVisibility({ visibilityProperty: true }) && !element.closest(".unseen, dialog:not([open])");
    // Names, addresses and commands are no words: they may break anywhere.
    const verbatim = "code, .name, .said, #work-own, #trouble-own, option, script, style";
    const named = (element) => element.id || element.className || element.localName;

    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const parent = node.parentElement;
      if (!shown(parent) || parent.closest(verbatim)) continue;
      for (const { index, 0: word } of node.data.matchAll(/\S+/g)) {
        const range = document.createRange();
        let line = null;
        for (let at = index; at < index + word.length; at += 1) {
          range.setStart(node, at);
          range.setEnd(node, at + 1);
          const box = [...range.getClientRects()].at(-1);
          if (!box || box.width === 0) continue;
          const isNext = line !== null && box.top > line + 4;
          if (isNext && !/[-\u00ad/–…]/.test(node.data[at - 1])) faults.add(`broken: ${word.slice(0, at - index)}|${word.slice(at - index)}`);
          line = box.top;
        }
        range.setStart(node, index);
        range.setEnd(node, index + word.length);
        const box = range.getBoundingClientRect();
        const holder = parent.closest("button, a, label, .card, select, h1, h2, p, dd, dt") ?? document.body;
        const hold = holder.getBoundingClientRect();
        if (box.right > hold.right + 1 || box.left < hold.left - 1) faults.add(`out of #${named(holder)}: ${word}`);
        if (!parent.closest(".cards") && (box.right > innerWidth + 1 || box.left < -1)) faults.add(`out of the window: ${word}`);
      }
      const style = getComputedStyle(parent);
      if (style.overflowX !== "visible" && parent.scrollWidth > parent.clientWidth + 1) faults.add(`cut off: ${named(parent)}`);
    }

    if (document.documentElement.scrollWidth > innerWidth) faults.add(`the page is ${document.documentElement.scrollWidth} wide`);
    const modal = document.querySelector("dialog[open]");
    for (const element of document.querySelectorAll("button, a[href], select, input, summary")) {
      if (!shown(element) || element.disabled || (modal && !modal.contains(element))) continue;
      // A label stands for its input.
      const target = element.matches(".unseen, #compare") ? null : element;
      if (!target) continue;
      target.scrollIntoView({ block: "center", inline: "center" });
      const box = target.getBoundingClientRect();
      const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
      const top = document.elementFromPoint(x, y);
      const reached = top && (target.contains(top) || top.closest("label")?.contains(target));
      if (!reached) faults.add(`cannot be pressed: ${named(target)} under ${top ? named(top) : "nothing"}`);
    }
    scrollTo(0, 0);
    return [...faults];
  });
}

// Which of these lie over the picture.
export function covering(page, selectors) {
  return page.evaluate((all) => {
    const picture = document.querySelector("#picture, .slide.on").getBoundingClientRect();
    return all.filter((selector) =>
      [...document.querySelectorAll(selector)].some((element) => {
        const box = element.getBoundingClientRect();
        const across = Math.min(box.right, picture.right) - Math.max(box.left, picture.left);
        const down = Math.min(box.bottom, picture.bottom) - Math.max(box.top, picture.top);
        return element.checkVisibility() && across > 1 && down > 1;
      }),
    );
  }, selectors);
}
