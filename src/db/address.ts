/** Where Postgres is, taken from a connection URL. */
export interface Address {
  readonly host: string;
  readonly port: number;
  /** The socket file, when the host is a folder. */
  readonly path: string | undefined;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly tls: 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';
  /** The file with the certificates of trusted authorities; undefined for those that Node.js brings. */
  readonly rootCertificates: string | undefined;
}

const TLS_MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
const PARAMETERS = ['host', 'sslmode', 'sslrootcert', 'channel_binding'] as const;
/** Modes of libpq that the driver satisfies by doing nothing. */
const CHANNEL_BINDING = ['disable', 'prefer'];

/**
 * Reads `postgres://user:password@host:port/database`. It takes these parameters, as libpq does:
 * `host`, which may be a folder with a Unix socket; `sslmode`, by default disable; `sslrootcert`,
 * a file, or `system` for the authorities that Node.js brings; and `channel_binding`, unless it
 * is required. Any other is refused: one that asks for security must not be ignored.
 * @throws Error that says what is wrong, without the password.
 */
export function readAddress(text: string): Address {
  const url = parseUrl(text);
  checkParameters(url.searchParams);
  const host = url.searchParams.get('host') ?? decodeURIComponent(url.hostname);
  const port = url.port === '' ? 5432 : Number(url.port);
  const user = decodeURIComponent(url.username) || 'postgres';
  const sslmode = url.searchParams.get('sslmode') ?? 'disable';
  const tls = TLS_MODES.find(mode => mode === sslmode);
  if (tls === undefined) {
    throw new Error(`sslmode must be one of ${TLS_MODES.join(', ')}, but is ${sslmode}`);
  }
  return {
    host: host.replace(/^\[(.*)\]$/, '$1') || 'localhost',
    port,
    path: host.startsWith('/') ? `${host}/.s.PGSQL.${port}` : undefined,
    user,
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)) || user,
    tls,
    rootCertificates: rootCertificates(url.searchParams.get('sslrootcert')),
  };
}

/** Whether the password and the data cross a network in the clear. */
export function isExposed({ host, path, tls }: Address): boolean {
  const isLocal = path !== undefined || /^(localhost|127\.[\d.]+|::1)$/.test(host);
  return !isLocal && tls === 'disable';
}

function checkParameters(given: URLSearchParams): void {
  for (const name of given.keys()) {
    if (!PARAMETERS.some(known => known === name)) {
      const known = PARAMETERS.join(', ');
      throw new Error(`parameters of the database URL are ${known}, but it has ${name}`);
    }
    if (given.getAll(name).length > 1) {
      throw new Error(`the database URL has the parameter ${name} more than once`);
    }
  }
  const binding = given.get('channel_binding') ?? 'prefer';
  if (!CHANNEL_BINDING.includes(binding)) {
    const modes = CHANNEL_BINDING.join(' or ');
    throw new Error(`channel_binding must be ${modes}, but is ${binding}: it is not supported`);
  }
}

function rootCertificates(file: string | null): string | undefined {
  return file === null || file === 'system' ? undefined : file;
}

function parseUrl(text: string): URL {
  // libpq allows an empty host (`user:password@/database?host=/folder`), WHATWG URLs do not.
  const url = tryParse(text.replace(/^(\w+:\/\/[^/?]*@)\//, '$1localhost/'));
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol)) {
    throw new Error('the database URL must be postgres://user:password@host:port/database');
  }
  return url;
}

function tryParse(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}
