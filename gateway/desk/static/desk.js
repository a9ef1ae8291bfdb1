// Numbers and dates in the browser's language; the output beside each slider; parts of the page Live as they are sent.
// Nothing else: pages work without it.
"use strict";
(() => {
  const language = navigator.language;
  const formats = {
    percent: new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 1 }),
    number: new Intl.NumberFormat(language, { maximumFractionDigits: 3 }),
  };
  const times = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });

  function localise(root) {
    for (const each of root.querySelectorAll("data[data-format]")) {
      const number = Number(each.value);
      if (each.value !== "" && Number.isFinite(number)) each.textContent = formats[each.dataset.format].format(number);
    }
    for (const each of root.querySelectorAll("time[datetime]")) {
      const time = new Date(each.dateTime);
      if (!Number.isNaN(time.getTime())) each.textContent = times.format(time);
    }
  }

  localise(document);
  new MutationObserver((changes) => {
    for (const change of changes) {
      for (const node of change.addedNodes) if (node.nodeType === Node.ELEMENT_NODE) localise(node.parentElement ?? node);
    }
  }).observe(document.body, { childList: true, subtree: true });

  for (const root of document.querySelectorAll("[data-live]")) {
    const state = document.getElementById("live-state");
    const source = new EventSource(root.dataset.live);
    for (const part of root.querySelectorAll("[data-part]")) {
      source.addEventListener(part.dataset.part, (event) => {
        const open = part.querySelector("details")?.open;
        part.innerHTML = event.data;  // drawn by the same server, by the template of the first page
        if (open) part.querySelector("details").open = true;
      });
    }
    source.addEventListener("open", () => { state.textContent = "Follows what happens."; });
    source.addEventListener("error", async () => {
      if (source.readyState !== EventSource.CLOSED) {
        state.textContent = "The gateway does not answer; asking again.";
        return;
      }
      // Refused: the visit has ended, and the page itself leads to the sign-in, or too many watch.
      const page = await fetch(location.href, { redirect: "manual" }).catch(() => null);
      if (page?.type === "opaqueredirect") location.reload();
      else state.textContent = "Does not follow any more: load the page again.";
    });
  }

  document.addEventListener("input", (event) => {
    if (event.target.type !== "range") return;
    const shown = event.target.parentElement.querySelector("output data");
    if (shown) shown.textContent = formats.number.format(Number(event.target.value));
  });
})();
