const NAME = /^[A-Za-z][\w+-]*(?:\/[\w+-]+)*$/;
const NAME_CHARS_MAX = 64;

/** Telling whether a name is good takes some 50 µs: names are few, and kept. */
const known = new Map<string, string | null>();
const KNOWN_MAX = 2_000;

/** The name of a zone, in the letters of the IANA database; null where there is none. */
export function parseTimeZone(text: string): string | null {
  if (text.length > NAME_CHARS_MAX || !NAME.test(text)) return null;
  let name = known.get(text);
  if (name === undefined) {
    name = canonicalName(text);
    if (known.size >= KNOWN_MAX) known.clear();
    known.set(text, name);
  }
  return name;
}

function canonicalName(text: string): string | null {
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions();
    // A link, such as Asia/Kolkata, resolves to an older name: the caller's stands.
    return timeZone.toLowerCase() === text.toLowerCase() ? timeZone : text;
  } catch {
    return null;
  }
}
