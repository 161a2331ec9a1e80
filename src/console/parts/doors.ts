/** What people call the ways in which events come. */
export const DOORS = {
  GRAPHQL: 'GraphQL',
  IMPORT: 'Import',
  SPEAKEASY: 'Speakeasy',
  LOGSPACE: 'Logspace',
  AUTHENTIK: 'authentik',
  LOGSH: 'Logsh',
  CLOUDEVENTS: 'CloudEvents',
  OTLP: 'OpenTelemetry',
} as const;
