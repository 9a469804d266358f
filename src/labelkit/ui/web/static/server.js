// Talking to the server: JSON in, JSON out, and one kind of error where a retry may help.

const PATIENCE = 10_000; // milliseconds

let desk = ""; // whose page this is, once that is known

/** From now on requests say whose page they come from: another person may have signed in in this browser since. */
export function from(id) {
  desk = id;
}

/** The server cannot be reached, or could not do it now: the same request may be sent again. */
export class Unreachable extends Error {}

/** The server said no, and will say no again. `kind` is for the page, `message` for the person. */
export class Refused extends Error {
  constructor(status, error) {
    super(error.why || `refused (${status})`);
    this.status = status;
    this.kind = error.kind || "";
  }
}

export async function get(path) {
  return request(path, { method: "GET" });
}

export async function post(path, body) {
  return request(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

async function request(path, options) {
  const control = new AbortController();
  const timer = setTimeout(() => control.abort(), PATIENCE);
  let status = 0;
  let data = null;
  try {
    const response = await fetch(path, {
      ...options, headers: { ...options.headers, ...(desk && { "Labelkit-Desk": desk }) }, signal: control.signal, credentials: "same-origin", cache: "no-store", redirect: "error",
    });
    status = response.status;
    data = await response.json();
  } catch (error) {
    throw new Unreachable(status ? "the answer of the server is no JSON" : "the server cannot be reached");
  } finally {
    clearTimeout(timer);
  }
  if (status >= 500 || status === 408) {
    throw new Unreachable((data.error && data.error.why) || `the server failed (${status})`);
  }
  if (status !== 200) {
    throw new Refused(status, (data && data.error) || {});
  }
  return data;
}
