/** Every value of an enum with its description; none may be left out. */
export function enumValues<Name extends string>(
  descriptions: Readonly<Record<Name, string>>,
): Record<Name, { description: string }> {
  const values = Object.entries<string>(descriptions).map(([name, description]) => {
    return [name, { description }];
  });
  return Object.fromEntries(values) as Record<Name, { description: string }>;
}
