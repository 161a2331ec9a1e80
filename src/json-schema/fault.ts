/** What makes a schema unusable, and where it stands: a JSON Pointer into the schema. */
export class SchemaFault extends Error {
  readonly pointer: string;

  constructor(pointer: string, message: string) {
    super(message);
    this.pointer = pointer;
  }
}

/** RFC 6901. */
export function pointerStep(name: string | number): string {
  return `/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** Somebody's text in a message: short. */
export function shown(text: string, charsMax = 100): string {
  return text.length > charsMax ? `${text.slice(0, charsMax)}…` : text;
}
