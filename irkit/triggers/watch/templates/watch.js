"use strict";
// The page is whole without this. It only fetches the same page again when the server says that something changed, and
// puts in what is different, so that nobody has to reload; what is being typed, and where the keyboard is, stays.
const liveness = document.getElementById("liveness");
const parser = new DOMParser();
let mark = null;

function say(text, lost) {
  liveness.textContent = text;
  liveness.classList.toggle("lost", lost);
}

function typing(part) {
  const at = document.activeElement;
  const filled = [...part.querySelectorAll("input:not([type=hidden])")].some((field) => field.value);
  return filled || (part.contains(at) && at.matches("input"));
}

function settle(fresh) {
  const old = new Map([...document.querySelectorAll("[data-live]")].map((part) => [part.dataset.live, part]));
  const parts = [...fresh.querySelectorAll("[data-live]")];
  if (parts.length !== old.size || parts.some((part) => !old.has(part.dataset.live))) {
    if (![...old.values()].some(typing)) location.reload();
    return;
  }
  for (const part of parts) {
    const was = old.get(part.dataset.live);
    if (was.isEqualNode(part) || typing(was)) continue;
    const focus = was.contains(document.activeElement) ? document.activeElement.id : "";
    was.replaceWith(part);
    if (focus) (document.getElementById(focus) || document.getElementById("main")).focus({ preventScroll: true });
  }
}

async function refresh() {
  const answer = await fetch(location.href, { cache: "no-store" });
  if (answer.redirected && new URL(answer.url).pathname === "/watch/login") return location.assign("/watch/login");
  if (!answer.ok) return say("The server cannot show this page now", true);
  const fresh = parser.parseFromString(await answer.text(), "text/html");
  settle(fresh);
  say(fresh.getElementById("liveness").textContent, false);
}

const news = new EventSource("/watch/live");
news.addEventListener("mark", (event) => {
  if (mark !== event.data) refresh().catch(() => say("Not live: the server does not answer", true));
  mark = event.data;
});
news.addEventListener("error", () => say("Not live: trying to reach the server", true));
