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
}

const TLS_MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;

/**
 * Reads `postgres://user:password@host:port/database`. Of the parameters it takes `sslmode`
 * (disable by default; otherwise as in libpq) and `host`, which may be a folder with a Unix
 * socket; others are left aside.
 * @throws Error that says what is wrong, without the password.
 */
export function readAddress(text: string): Address {
  const url = parseUrl(text);
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
  };
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
