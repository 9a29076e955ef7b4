// The same request as a line for a shell: what the button sends, and nothing else.

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
const LONGEST = 60000; // characters of one argument that every shell takes

/** `request` is `{ path, body }` with JSON, or `{ path, file }` with a program. */
export function curlLine(request, base, keys) {
  const key = keys ? ' -H "Authorization: Bearer $ROBOTQ_KEY"' : "";
  const url = quoted(new URL(request.path, base).href);
  if (request.file) return `curl${key} --data-binary ${quoted(`@${request.file.name}`)} -H 'Content-Type: text/plain' ${url}`;
  const text = JSON.stringify(request.body);
  return text.length > LONGEST ? null : `curl${key} -H 'Content-Type: application/json' -d ${quoted(text)} ${url}`;
}
