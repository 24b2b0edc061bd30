/*
 * btSecurity.fetch: the browser's fetch, with the CSRF token on changing requests to this site.
 *
 *   <script src="{% static 'bt_security/csrf.js' %}"
 *           data-csrf-token-url="{% url 'bt_security:csrf-token' %}"></script>
 *
 * Works as a classic script and as a module (import it for its effect). The one global it makes is
 * `btSecurity`. The token is asked for once and kept in memory; requests to other sites are passed
 * on as they are.
 */
(function () {
  "use strict";

  const HEADER = "X-CSRF-Token";
  const REFUSED = "X-CSRF-Failed";
  const SAFE_METHODS = ["GET", "HEAD", "OPTIONS", "TRACE"];
  let pending = null; // promise of the token

  function tokenUrl() {
    const element = document.querySelector("[data-csrf-token-url]");
    if (!element) {
      throw new Error("btSecurity: no element of the page has the attribute data-csrf-token-url");
    }
    const url = new URL(element.dataset.csrfTokenUrl, document.baseURI);
    if (url.origin !== location.origin) {
      throw new Error("btSecurity: data-csrf-token-url leads to another site");
    }
    return url;
  }

  async function load() {
    const response = await fetch(tokenUrl(), {
      credentials: "same-origin",
      cache: "no-store",
      headers: { Accept: "application/json" },
    });
    if (!response.ok) {
      throw new Error("btSecurity: no CSRF token, status " + response.status);
    }
    return (await response.json()).csrf_token;
  }

  /** Promise of the token; requests that start together share one look-up. */
  function csrfToken() {
    if (pending === null) {
      const asked = load();
      pending = asked;
      asked.catch(function () {
        if (pending === asked) {
          pending = null; // the next request asks again
        }
      });
    }
    return pending;
  }

  /** Forget the token, for example after a log-in or log-out by other means. */
  function forgetCsrfToken() {
    pending = null;
  }

  function needsToken(request) {
    return (
      !SAFE_METHODS.includes(request.method.toUpperCase()) &&
      new URL(request.url).origin === location.origin &&
      request.mode !== "no-cors" && // such a request may carry no header of ours
      !request.headers.has(HEADER)
    );
  }

  function isRefusal(response) {
    return response.status === 403 && response.headers.has(REFUSED);
  }

  async function send(request, token) {
    request.headers.set(HEADER, await token);
    return fetch(request);
  }

  /** Like window.fetch. A request that was refused for its token is sent once more with a new one. */
  async function btFetch(input, init) {
    const request = new Request(input, init);
    if (!needsToken(request)) {
      return fetch(request);
    }
    const again = request.clone();
    const token = csrfToken();
    const response = await send(request, token);
    if (!isRefusal(response)) {
      return response;
    }
    if (pending === token) {
      forgetCsrfToken(); // unless another request has done so already
    }
    return send(again, csrfToken());
  }

  globalThis.btSecurity = Object.freeze({ fetch: btFetch, csrfToken, forgetCsrfToken });
})();
