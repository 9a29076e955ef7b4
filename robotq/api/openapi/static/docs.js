"use strict";
// Shows openapi.json with Swagger UI, which is served from here: nothing comes from elsewhere.

const $ = (id) => document.getElementById(id);
const told = (text) => { $("told").textContent = text; };

// where the interface stands: the address of this page without its own part
const here = (part) => new URL(part, location.href).href;

function withKey(request) {
  const key = $("key").value;
  if (key) request.headers.Authorization = `Bearer ${key}`;
  return request;
}

// what the other interfaces have in common with this one is the address of the daemon
function choices(api) {
  const own = api["x-prefix"];
  const place = new URL(".", location.href).pathname.slice(0, -1);
  const root = place.slice(0, place.length - own.length);
  const links = api["x-interfaces"].map(({ name, prefix }) => {
    const link = document.createElement("a");
    link.href = `${root}${prefix}/docs`;
    link.textContent = name.replaceAll("_", " ");
    if (prefix === own) link.setAttribute("aria-current", "page");
    link.addEventListener("click", choose);
    return link;
  });
  return links.length > 1 ? links : [];
}

// shown in place, so that a key has to be given only once
function choose(event) {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  if (event.currentTarget.pathname === location.pathname) return;
  history.pushState(null, "", event.currentTarget.href);
  load();
}

// each interface has its own form of errors
const reason = (answer) => answer.message ?? answer.error?.message ?? answer.error;

let shown = null;

async function load() {
  const url = here("openapi.json");
  shown = location.pathname;
  try {
    const response = await fetch(url, withKey({ headers: {} }));
    const api = await response.json();
    // somebody has chosen another one meanwhile
    if (url !== here("openapi.json")) return;
    if (!response.ok) throw new Error(reason(api));
    told("");
    document.title = `${api.info.title}: the interface`;
    $("interfaces").replaceChildren(...choices(api));
    SwaggerUIBundle({
      url,
      domNode: $("paths"),
      deepLinking: true,
      tryItOutEnabled: true,
      validatorUrl: null,
      requestInterceptor: withKey,
      syntaxHighlight: { activated: false },
    });
  } catch (error) {
    told(error.message);
  }
}

$("access").addEventListener("submit", (event) => { event.preventDefault(); load(); });
window.addEventListener("popstate", () => { if (shown !== location.pathname) load(); });
load();
